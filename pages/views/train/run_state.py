"""State, progress and figures of a run."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from fer_core.runs.registry import Registry, RunNotes
from fer_core.runs.run_folder import RUNNING_STATES, RunFolder
from fer_core.runs.table import best_epoch
from pages.session import data_source
from pages.session.foreign_text import plain
from pages.widgets.component import style
from pages.widgets.durations import duration

Colour = Literal["blue", "green", "grey", "orange", "red"]
_BADGES: dict[str, tuple[Colour, str]] = {
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


def badge(state: str) -> tuple[Colour, str]:
    """Return colour and icon of a state."""
    return _BADGES.get(state, ("grey", ":material/help:"))


def head(run: RunFolder, status: dict[str, Any]) -> None:
    """Draw state, preset and data of a run, and the error of a failed one."""
    config = run.config()
    colour, icon = badge(status["state"])
    about = Registry(run.path.parent).notes().get(run.name, RunNotes())
    words = [f"**{plain(about.title)}**"] if about.title else []
    words += [
        plain(f"{config.preset or config.model.family} on {data_source.display_name(config.data.source)}")
    ] + ([plain(about.note)] if about.note else [])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(plain(status["state"]), icon=icon, color=colour)
        st.caption(" · ".join(words), width="stretch")
    if status["state"] == "failed":
        st.error(plain(status["message"] or "The training process failed."), icon=":material/error:")


def progress(run: RunFolder, status: dict[str, Any], history: list[dict[str, float]]) -> None:
    """Draw the progress over all epochs with the time left, and the figures so far.

    The time left is estimated from the speed of the current epoch.
    """
    epochs, now = run.config().train.epochs, status["state"]
    if now in RUNNING_STATES:
        _bar(epochs, len(history), run.progress(), status)
    elif now != "failed" and status["message"]:
        st.caption(plain(status["message"]))
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
        (f"{sum(row['seconds'] for row in history) / len(history):.1f} s", "per epoch"),
    ]
    st.html(
        style(__file__)
        + '<div class="fer-run">'
        + "".join(f"<div><b>{value}</b>{what}</div>" for value, what in figures)
        + "</div>"
    )


def _bar(epochs: int, finished: int, progress: dict[str, float], status: dict[str, Any]) -> None:
    paused = status["state"] == "paused"
    complete = (
        all(isinstance(progress.get(key), int | float) for key in _PROGRESS_KEYS) and progress["batches"] > 0
    )
    if not complete or progress["epoch"] <= finished:
        share, text = finished / epochs, status["message"] or f"Epoch {min(finished + 1, epochs)} of {epochs}"
    else:
        within = progress["batch"] / progress["batches"]
        share = (finished + within) / epochs
        images_left = (epochs - finished - within) * progress["batches"] * progress["batch_size"]
        left = images_left / max(1e-9, progress["images_per_second"])
        text = (
            f"Epoch {int(progress['epoch'])} of {epochs}, batch {int(progress['batch'])} of "
            f"{int(progress['batches'])}: loss {progress['loss']:.3f}, accuracy {progress['accuracy']:.0%}, "
            f"{progress['images_per_second']:,.0f} images/s"
            + (f". {status['message']}" if paused else f", about {duration(left)} left")
        )
        if status["message"] and not paused:
            text = status["message"]
    st.progress(min(1.0, share), text=plain(text))


def number(value: object) -> str:
    """Format the value of a setting."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
