"""The head of a run: its state, how far it is, its figures."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from fer_core.training.registry import About, Registry
from fer_core.training.run_folder import RUNNING_STATES, RunFolder
from fer_core.training.run_table import best_epoch
from pages.shared import state

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
# Small enough that on a phone the curves are still in sight.
_STYLE = """<style>.fer-run{display:flex;flex-wrap:wrap;gap:.5rem 2rem;font-size:.9rem}.fer-run b{font-size:1.5rem;font-weight:600;margin-right:.4rem}
</style>"""
_PROGRESS_KEYS = {"epoch", "batch", "batches", "batch_size", "images_per_second", "loss", "accuracy"}


def head(run: RunFolder, status: dict[str, Any]) -> None:
    """State, preset, data, and what went wrong."""
    config = run.config()
    colour, icon = LOOK.get(status["state"], ("grey", ":material/help:"))
    about = Registry(run.path.parent).about().get(run.name, About())
    words = [f"**{about.title}**"] if about.title else []
    words += [f"{config.preset or config.model.family} on {state.source_name(config.data.source)}"] + (
        [about.note] if about.note else []
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(status["state"], icon=icon, color=colour)
        st.caption(" · ".join(words), width="stretch")
    if status["state"] == "failed":
        st.error(status["message"] or "The training process failed.", icon=":material/error:")


def progress(run: RunFolder, status: dict[str, Any], history: list[dict[str, float]]) -> None:
    """The bar over all epochs with the time left, from the speed of the epoch under way, and the figures so far."""
    epochs, now = run.config().train.epochs, status["state"]
    if now in RUNNING_STATES:
        _bar(epochs, len(history), run.progress(), status)
    elif now != "failed" and status["message"]:
        st.caption(status["message"])
    best, interval = best_epoch(history, status)
    if best is None:
        return
    figures = [
        (f"{len(history)} of {epochs}", "epochs finished"),
        (
            f"{best['val_accuracy']:.1%}",
            "best on validation"
            + (f" ({interval[0]:.1%} to {interval[1]:.1%})" if interval else "")
            + f", after epoch {int(best['epoch'])}",
        ),
        (f"{sum(row['seconds'] for row in history) / len(history):.1f} s", "an epoch"),
    ]
    st.html(
        _STYLE
        + '<div class="fer-run">'
        + "".join(f"<div><b>{value}</b>{what}</div>" for value, what in figures)
        + "</div>"
    )


def _bar(epochs: int, finished: int, progress: dict[str, float], status: dict[str, Any]) -> None:
    paused = status["state"] == "paused"
    known = (
        all(isinstance(progress.get(key), int | float) for key in _PROGRESS_KEYS) and progress["batches"] > 0
    )
    if not known or progress["epoch"] <= finished:
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


def number(value: object) -> str:
    """The value of a setting, short."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
