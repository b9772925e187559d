"""Cross-validation started from the page: networks that are trained in a process of their own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import streamlit as st

from fer_core.config import RunConfig
from fer_core.errors import TrainingError
from fer_core.presets import PRESETS
from fer_core.runs.run_folder import RunFolder
from fer_core.storage import runs_folder
from fer_core.wording import plural
from pages.session import background, helpers, visitor
from pages.session.foreign_text import code

from .dataset_view import DatasetView

_FOLDS = 3
_POLL_SECONDS = 0.5


def offer(dataset: DatasetView) -> None:
    """Say what the cross-validation of these data is, and draw the button that starts it."""
    task = f"cross-validation {dataset.key}"
    if background.show_progress(task, can_cancel=True):
        return
    source = dataset.data.source
    st.info(
        f"There is no cross-validation of these data yet. It trains {_FOLDS} networks, each without a third "
        "of the images, and classifies each image with the network that has not seen it.",
        icon=":material/rule:",
    )
    preset = st.selectbox(
        "Network",
        list(PRESETS),
        index=list(PRESETS).index("quick"),
        format_func=lambda name: (
            f"{PRESETS[name].title}: {_FOLDS} x {plural(PRESETS[name].config.train.epochs, 'epoch')}"
        ),
        key="dataset_cross_preset",
        persist_state="session",
        help="A better network finds more wrong labels, and takes longer.",
    )
    if visitor.hosted() is None:
        st.button(
            "Cross-validate",
            key="dataset_cross_start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(task, source, preset, f"{preset}-{dataset.data.fingerprint[:8]}"),
        )
    st.caption(
        "The same from the shell: "
        + code(
            f"python -m fer_core cross-validate --data {shlex.quote(visitor.shown_source(source))} "
            f"--preset {preset}"
        )
    )


def _start(task: str, source: str, preset: str, name: str) -> None:
    background.start(
        task,
        f"Cross-validation with {PRESETS[preset].title}",
        lambda on_progress: _run(source, preset, name, on_progress),
    )


def _run(source: str, preset: str, name: str, on_progress: background.OnProgress) -> bool:
    """Run the command `cross-validate` until it ends or the task is cancelled.

    Raises:
        TrainingError: The command failed.
    """
    command = [sys.executable, "-m", "fer_core", "cross-validate", "--data", source]
    command += ["--preset", preset, "--name", name, "--folds", str(_FOLDS)]
    runs = [RunFolder(runs_folder() / f"{name}-fold-{fold + 1}") for fold in range(_FOLDS)]
    with tempfile.TemporaryFile() as messages:
        process = helpers.start(
            "Cross-validation",
            lambda: subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=messages,
                env=helpers.environment(),
                start_new_session=True,  # the training process that it starts ends with it
            ),
        )
        try:
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                on_progress(_share(runs, PRESETS[preset].config))  # raises where it was cancelled
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()
        if process.returncode:
            messages.seek(0)
            raise TrainingError(helpers.failure(messages.read(), process.returncode))
    return True


def _share(runs: list[RunFolder], config: RunConfig) -> float:
    """Return the share of all epochs that is finished, and of the batches of the present one."""
    done = 0.0
    for run in runs:
        if not run.exists():
            continue
        if run.status()["state"] == "finished":
            done += config.train.epochs
            continue
        progress = run.progress()
        done += len(run.history())
        if progress.get("batches"):
            done += min(1.0, progress["batch"] / progress["batches"])
    return min(1.0, done / (len(runs) * config.train.epochs))
