"""Work on uploads: in a thread, for this session only, with results as they come; it can be cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from fer_core.diagnostics import log
from fer_core.errors import FerError
from pages.session.errors import sentence
from pages.session.foreign_text import plain

_REFRESH_SECONDS = 0.7
OnProgress = Callable[[float], None]  # takes the share that is done, 0 to 1
Cancelled = Callable[[], bool]
Generate = Callable[[OnProgress, Cancelled], Iterator[Any]]


@dataclass(frozen=True)
class Inputs:
    """What a task works on; another task begins where it differs."""

    files: tuple[object, ...]
    settings: tuple[object, ...]  # such as the model; the work on the same files begins again by itself


@dataclass
class UploadTask:
    """A running or finished task with its results so far."""

    inputs: Inputs
    results: list[Any] = field(default_factory=list)
    share: float = 0.0
    error: str | None = None
    done: bool = False
    cancelled: bool = False


def start(key: str, inputs: Inputs, generate: Generate) -> None:
    """Start a task and cancel the one that runs under the same key.

    Args:
        key: Key of the task in the session.
        inputs: The uploads and settings.
        generate: Yields the results; receives a callback for progress and one that tells if it was cancelled.
    """
    cancel(key)
    task = st.session_state[key] = UploadTask(inputs)
    threading.Thread(target=_run, args=(task, generate), name=f"fer-{key}", daemon=True).start()


def _run(task: UploadTask, generate: Generate) -> None:
    def on_progress(share: float) -> None:
        task.share = share

    try:
        for result in generate(on_progress, lambda: task.cancelled):
            task.results.append(result)
    except (FerError, OSError) as error:
        task.error = sentence(error)
    except Exception:
        logging.getLogger("fer").exception("the work failed")
        task.error = "This failed unexpectedly; the log of the app says why."
    finally:
        task.done = True
        log.event(
            "work ended", results=len(task.results), cancelled=task.cancelled, failed=task.error is not None
        )


def current(key: str, inputs: Inputs) -> UploadTask | None:
    """Return the task on these inputs; a task on other inputs is cancelled and dropped."""
    task: UploadTask | None = st.session_state.get(key)
    if task is not None and task.inputs != inputs:
        forget(key)
        return None
    return task


def has_other_settings(key: str, inputs: Inputs) -> bool:
    """Return whether the task is on the same files with other settings; a cancelled one does not count."""
    task: UploadTask | None = st.session_state.get(key)
    return (
        task is not None
        and not task.cancelled
        and task.inputs.files == inputs.files
        and task.inputs.settings != inputs.settings
    )


def cancel(key: str) -> None:
    """Cancel a task; its results so far stay."""
    task: UploadTask | None = st.session_state.get(key)
    if task is not None:
        task.cancelled = True


def forget(key: str) -> None:
    """Cancel a task and drop its results."""
    cancel(key)
    st.session_state.pop(key, None)


def follow(key: str, draw: Callable[[UploadTask], None]) -> None:
    """Draw a task, again and again while it runs, and run the whole page once it has ended.

    Args:
        key: Key of the task in the session.
        draw: Draws the results so far.
    """
    running = not st.session_state[key].done

    def refresh() -> None:
        task: UploadTask | None = st.session_state.get(key)
        if task is None:
            return
        if running and task.done:
            st.rerun()
        if not task.done:
            left, right = st.columns([5, 1], vertical_alignment="center")
            left.progress(task.share, text=f"{task.share:.0%}")
            right.button(
                "Cancel",
                key=f"{key}_cancel",
                icon=":material/close:",
                on_click=cancel,
                args=(key,),
                width="stretch",
            )
        elif task.cancelled:
            st.caption("Cancelled; these are the results until then.")
        if task.error:
            st.error(plain(task.error), icon=":material/error:")
        draw(task)

    st.fragment(refresh, run_every=_REFRESH_SECONDS if running else None)()
