"""One training run: state, progress, curves, and buttons to stop it or go on."""

from __future__ import annotations

import math

import streamlit as st

from fer_core.errors import FerError
from fer_core.training import launch
from fer_core.training.run_folder import RUNNING_STATES, RunFolder

from . import charts, state

_REFRESH_SECONDS = 1.5
_PROGRESS_KEYS = {"epoch", "batch", "batches", "batch_size", "images_per_second", "loss", "accuracy"}
_LOOK = {
    "starting": ("blue", ":material/hourglass_top:"),
    "running": ("blue", ":material/model_training:"),
    "finished": ("green", ":material/check_circle:"),
    "stopped": ("orange", ":material/stop_circle:"),
    "interrupted": ("orange", ":material/power_off:"),
    "failed": ("red", ":material/error:"),
}


def show(run: RunFolder) -> None:
    """Show a run; while it is under way the view renews itself."""
    running = run.status()["state"] in RUNNING_STATES
    st.fragment(_view, run_every=_REFRESH_SECONDS if running else None)(run, running)


def _view(run: RunFolder, was_running: bool) -> None:
    with state.errors_shown():
        _show(run, was_running)


def _show(run: RunFolder, was_running: bool) -> None:
    status = run.status()
    now = status["state"]
    if was_running and now not in RUNNING_STATES:
        st.rerun()  # the run has ended: redraw the whole page, and stop renewing
    config, history, progress = run.config(), run.history(), run.progress()
    colour, icon = _LOOK.get(now, ("grey", ":material/help:"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(now, icon=icon, color=colour)
        st.caption(f"{config.preset or config.model.family} on {config.data.source}")
        _buttons(run, now)
    if now == "failed":
        st.error(status["message"] or "The training process failed.", icon=":material/error:")
    elif now in RUNNING_STATES:
        _progress(config.train.epochs, len(history), progress, status["message"])
    elif status["message"]:
        st.caption(status["message"])
    _figures(history)
    if history:
        left, right = st.columns(2)
        left.plotly_chart(charts.learning_curves(history, "loss", "Loss"), config=charts.CONFIG, key=f"loss_{run.name}")
        right.plotly_chart(charts.learning_curves(history, "accuracy", "Accuracy"), config=charts.CONFIG, key=f"accuracy_{run.name}")
    if now in ("failed", "interrupted") and run.log.is_file():
        with st.expander("What the process printed last"):
            st.code("\n".join(run.log.read_text(errors="replace").splitlines()[-15:]), language=None)


def _buttons(run: RunFolder, now: str) -> None:
    if now in RUNNING_STATES:
        asked = run.stop_requested()
        if st.button("Stopping ..." if asked else "Stop", icon=":material/stop:", key=f"stop_{run.name}", disabled=asked):
            run.request_stop()
            st.rerun()
        return
    if (run.bundle / "card.json").is_file():
        # Links: a page cannot be switched from here while the choice of the run is bound to the address.
        chosen = {"model": run.name}
        st.page_link("pages/models/evaluate.py", label="Evaluate it", icon=":material/fact_check:", query_params=chosen)
        st.page_link("pages/models/models.py", label="Its model card", icon=":material/deployed_code:", query_params=chosen)
    if now in ("interrupted", "stopped", "failed") and st.button("Go on", icon=":material/play_arrow:", key=f"resume_{run.name}"):
        try:
            launch.resume(run)
        except FerError as error:
            st.error(str(error))
        else:
            st.rerun()


def _progress(epochs: int, finished: int, progress: dict[str, float], message: str) -> None:
    """The bar over all epochs, with the time left from the speed of the epoch under way."""
    if not progress.keys() >= _PROGRESS_KEYS or progress["epoch"] <= finished:
        share, text = finished / epochs, message or f"Epoch {min(finished + 1, epochs)} of {epochs}"
    else:
        within = progress["batch"] / progress["batches"]
        share = (finished + within) / epochs
        images_left = (epochs - finished - within) * progress["batches"] * progress["batch_size"]
        left = images_left / max(1e-9, progress["images_per_second"])
        text = (
            f"Epoch {int(progress['epoch'])} of {epochs}, batch {int(progress['batch'])} of {int(progress['batches'])}: loss {progress['loss']:.3f}, "
            f"accuracy {progress['accuracy']:.0%}, {progress['images_per_second']:,.0f} images/s, about {_duration(left)} left"
        )
    st.progress(min(1.0, share), text=text)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _figures(history: list[dict[str, float]]) -> None:
    if not history:
        return
    best = max(history, key=lambda row: row["val_accuracy"])
    with st.container(horizontal=True):
        st.metric("Epochs finished", len(history), border=True, width=160)
        st.metric("Best validation accuracy", f"{best['val_accuracy']:.1%}", border=True, width=220, help=f"in epoch {int(best['epoch'])}")
        st.metric("Seconds an epoch", f"{sum(r['seconds'] for r in history) / len(history):.1f}", border=True, width=180)
