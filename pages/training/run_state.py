"""The head of a run: its state, how far it is, its figures."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from fer_core.evaluation.metrics import wilson_interval
from fer_core.training import launch
from fer_core.training.registry import Registry
from fer_core.training.run_folder import RUNNING_STATES, RunFolder

LOOK = {
    "queued": ("grey", ":material/schedule:"),
    "starting": ("blue", ":material/hourglass_top:"),
    "running": ("blue", ":material/model_training:"),
    "paused": ("orange", ":material/pause_circle:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "pruned": ("grey", ":material/content_cut:"),
    "interrupted": ("orange", ":material/power_off:"),
    "failed": ("red", ":material/error:"),
}
_PROGRESS_KEYS = {"epoch", "batch", "batches", "batch_size", "images_per_second", "loss", "accuracy"}


def head(run: RunFolder, status: dict[str, Any]) -> None:
    """State, preset, data, and what went wrong."""
    config = run.config()
    colour, icon = LOOK.get(status["state"], ("grey", ":material/help:"))
    about = Registry(run.path.parent).about().get(run.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status["state"], icon=icon, color=colour)
        st.caption(f"{config.preset or config.model.family} on {config.data.source}" + (f" · {about.note}" if about and about.note else ""))
    if status["state"] == "failed":
        st.error(status["message"] or "The training process failed.", icon=":material/error:")


def progress(run: RunFolder, status: dict[str, Any], history: list[dict[str, float]]) -> None:
    """The bar over all epochs with the time left, from the speed of the epoch under way, and the figures so far."""
    epochs, now = run.config().train.epochs, status["state"]
    if now in RUNNING_STATES:
        _bar(epochs, len(history), run.progress(), status)
    elif now != "failed" and status["message"]:
        st.caption(status["message"])
    if not history:
        return
    best = max(history, key=lambda row: row["val_accuracy"])
    count = status.get("validation_images")
    interval = wilson_interval(round(best["val_accuracy"] * count), count) if isinstance(count, int) and count > 0 else None
    with st.container(horizontal=True):
        st.metric("Epochs finished", f"{len(history)} of {epochs}", border=True, width=170)
        st.metric("Best validation accuracy", f"{best['val_accuracy']:.1%}", border=True, width=240, help=f"in epoch {int(best['epoch'])}"
                  + (f"; 95 % interval {interval[0]:.1%} to {interval[1]:.1%}" if interval else ""))  # fmt: skip
        st.metric("Seconds an epoch", f"{sum(r['seconds'] for r in history) / len(history):.1f}", border=True, width=180)


def _bar(epochs: int, finished: int, progress: dict[str, float], status: dict[str, Any]) -> None:
    paused = status["state"] == "paused"
    if not progress.keys() >= _PROGRESS_KEYS or progress["epoch"] <= finished:
        share, text = finished / epochs, status["message"] or f"Epoch {min(finished + 1, epochs)} of {epochs}"
    else:
        within = progress["batch"] / progress["batches"]
        share = (finished + within) / epochs
        images_left = (epochs - finished - within) * progress["batches"] * progress["batch_size"]
        left = images_left / max(1e-9, progress["images_per_second"])
        text = (
            f"Epoch {int(progress['epoch'])} of {epochs}, batch {int(progress['batch'])} of {int(progress['batches'])}: loss {progress['loss']:.3f}, "
            f"accuracy {progress['accuracy']:.0%}, {progress['images_per_second']:,.0f} images/s"
            + (f". {status['message']}" if paused else f", about {duration(left)} left")
        )
        if status["message"] and not paused:
            text = status["message"]
    st.progress(min(1.0, share), text=text)


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def finish(run: RunFolder) -> None:
    """Write the model of a run that was interrupted, with its best weights so far."""
    launch.resume(run, finish=True)
