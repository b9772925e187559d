"""Background work: tasks that run one after the other in a thread, with a progress bar that refreshes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from fer_core.errors import FerError

from . import visitor
from .errors import sentence
from .foreign_text import plain

OnProgress = Callable[[float], None]  # takes the share that is done, 0 to 1

_REFRESH_SECONDS = 0.8
_FINISHED_AT_MOST = 8  # finished tasks whose results are remembered
_tasks: dict[str, Task] = {}  # of all sessions, so that a visitor who comes back finds the task again
_one_at_a_time = threading.Lock()


@dataclass
class Task:
    """A task that is waiting, running or finished."""

    title: str
    share: float = 0.0
    waiting: bool = True
    done: bool = False
    cancelled: bool = False
    result: Any = None
    error: str | None = None


class _Cancelled(Exception):
    """Raised inside a task that was cancelled, where it reports its progress."""


def start(key: str, title: str, work: Callable[[OnProgress], Any]) -> None:
    """Start a task unless it is running.

    Args:
        key: Name of the task; each visitor of a hosted app has tasks of their own.
        title: What the progress bar says.
        work: The function to run; it receives a callback for its progress.
    """
    key, work = _own(key), visitor.with_visitor(work)
    if (current := _tasks.get(key)) is not None and not current.done:
        return
    for old in [name for name, task in _tasks.items() if task.done][: -_FINISHED_AT_MOST + 1]:
        del _tasks[old]
    _tasks.pop(key, None)
    task = _tasks[key] = Task(title)
    threading.Thread(target=_run, args=(task, work), name=f"fer-{title}", daemon=True).start()


def _own(key: str) -> str:
    return f"{visitor.key()} {key}"


def _run(task: Task, work: Callable[[OnProgress], Any]) -> None:
    def on_progress(share: float) -> None:
        if task.cancelled:
            raise _Cancelled
        task.share = min(1.0, max(0.0, share))

    try:
        with _one_at_a_time:  # two at once would slow each other down
            on_progress(0.0)
            task.waiting = False
            task.result = work(on_progress)
    except _Cancelled:
        pass
    except (FerError, OSError) as error:
        task.error = sentence(error)
    except Exception:
        logging.getLogger("fer").exception("%s failed", task.title)
        task.error = f"{task.title} failed; the log of the app says why."
    finally:
        task.done = True


def result(key: str) -> Any:
    """Return the result of a task, or None where it is not finished."""
    task = _tasks.get(_own(key))
    return task.result if task is not None and task.done else None


def failed(key: str) -> bool:
    """Return whether a task has ended with an error."""
    task = _tasks.get(_own(key))
    return task is not None and task.done and task.error is not None


def cancel(key: str) -> None:
    """Forget a task, which ends when it next reports its progress; for callbacks."""
    if (task := _tasks.pop(_own(key), None)) is not None:
        task.cancelled = True


def show_progress(key: str, can_cancel: bool = False) -> bool:
    """Draw the progress bar of a task that is waiting or running, or the error of a failed one.

    The page runs again when the task ends or is cancelled.

    Args:
        key: Name of the task.
        can_cancel: Draw a button that cancels it.

    Returns:
        Whether the task is waiting or running.
    """
    task = _tasks.get(_own(key))
    if task is None:
        return False
    if not task.done:
        st.fragment(_bar, run_every=_REFRESH_SECONDS)(key, can_cancel)
        return True
    if task.error:
        st.error(plain(task.error), icon=":material/error:")
    return False


def _bar(key: str, can_cancel: bool) -> None:
    task = _tasks.get(_own(key))
    if task is None or task.done:
        st.rerun()
    left, right = st.columns([5, 1], vertical_alignment="center") if can_cancel else (st, None)
    left.progress(
        task.share,
        text=f"{plain(task.title)}: waiting for other work"
        if task.waiting
        else f"{plain(task.title)} ... {task.share:.0%}",
    )
    if right is not None:
        right.button(
            "Cancel",
            icon=":material/close:",
            key=f"cancel_{key}",
            on_click=cancel,
            args=(key,),
            width="stretch",
        )
