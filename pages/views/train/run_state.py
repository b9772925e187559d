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
_BATCHES_TIMED = 20  # the first batches are slower by far: the time left is estimated after them


def badge(state: str) -> tuple[Colour, str]:
    """Return colour and icon of a state."""
    return _BADGES.get(state, ("grey", ":material/help:"))


def head(run: RunFolder, status: dict[str, Any]) -> None:
    """Draw state, title, preset and data of a run in the current row."""
    config = run.config()
    colour, icon = badge(status["state"])
    about = Registry(run.path.parent).notes().get(run.name, RunNotes())
    words = [f"**{plain(about.title)}**"] if about.title else []
    words += [
        plain(f"{config.preset or config.model.family} on {data_source.display_name(config.data.source)}")
    ] + ([plain(about.note)] if about.note else [])
    st.badge(plain(status["state"]), icon=icon, color=colour)
    st.caption(" · ".join(words), width="content")


def progress(run: RunFolder, status: dict[str, Any], history: list[dict[str, float]]) -> None:
    """Draw the state of a run: one line with a bar while it runs, its figures afterwards.

    The time left is estimated from the speed of the current epoch.
    """
    epochs, now = run.config().train.epochs, status["state"]
    best, interval = best_epoch(history, status)
    if now in RUNNING_STATES:
        best_so_far = f"best on validation {best['val_accuracy']:.1%}" if best is not None else ""
        _bar(epochs, len(history), run.progress(), status, best_so_far)
        return
    if now == "failed":
        st.error(plain(status["message"] or "The training process failed."), icon=":material/error:")
    elif status["message"]:
        st.caption(plain(status["message"]))
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


def _bar(
    epochs: int, finished: int, progress: dict[str, float], status: dict[str, Any], best_so_far: str
) -> None:
    paused = status["state"] == "paused"
    complete = (
        all(isinstance(progress.get(key), int | float) for key in _PROGRESS_KEYS) and progress["batches"] > 0
    )
    if not complete or progress["epoch"] <= finished:
        share = finished / epochs
        parts = [status["message"] or f"Epoch {min(finished + 1, epochs)} of {epochs}", best_so_far]
    else:
        within = progress["batch"] / progress["batches"]
        share = (finished + within) / epochs
        images_left = (epochs - finished - within) * progress["batches"] * progress["batch_size"]
        left = images_left / max(1e-9, progress["images_per_second"])
        parts = [
            f"Epoch {int(progress['epoch'])} of {epochs}, batch {int(progress['batch'])} of "
            f"{int(progress['batches'])}",
            best_so_far,
            f"{progress['images_per_second']:,.0f} images/s",
        ]
        if paused:
            parts.append(status["message"])
        elif status["message"]:
            parts = [status["message"]]
        elif finished * progress["batches"] + progress["batch"] >= _BATCHES_TIMED:
            parts.append(f"about {duration(left)} left")
    st.progress(min(1.0, share), text=plain(" · ".join(part for part in parts if part)))


def number(value: object) -> str:
    """Format the value of a setting."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
