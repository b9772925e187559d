"""Work that takes longer than a page may: in a thread of the app, one after the other, with a bar that renews itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from fer_core.errors import FerError

from . import visitor

Tell = Callable[[float], None]  # takes the share that is done, 0 to 1

_REFRESH_SECONDS = 0.8
_KEPT = 8  # finished tasks whose results are remembered
_tasks: dict[str, Task] = {}  # of all sessions: who comes back to the page finds the work where it is
_one_at_a_time = threading.Lock()


@dataclass
class Task:
    """One piece of work, under way or finished."""

    title: str
    share: float = 0.0
    waiting: bool = True
    done: bool = False
    result: Any = None
    error: str | None = None


def start(key: str, title: str, work: Callable[[Tell], Any]) -> None:
    """Begin `work`, unless it is under way; it is handed what it tells its progress by."""
    key, work = _own(key), visitor.carried(work)
    if (known := _tasks.get(key)) is not None and not known.done:
        return
    for old in [name for name, task in _tasks.items() if task.done][: -_KEPT + 1]:
        del _tasks[old]
    _tasks.pop(key, None)
    task = _tasks[key] = Task(title)
    threading.Thread(target=_carry_out, args=(task, work), name=f"fer-{title}", daemon=True).start()


def _own(key: str) -> str:
    """What one visitor of a hosted app lets be computed is not the others' business."""
    return f"{visitor.key()} {key}"


def _carry_out(task: Task, work: Callable[[Tell], Any]) -> None:
    def tell(share: float) -> None:
        task.share = min(1.0, max(0.0, share))

    try:
        with _one_at_a_time:  # two at once would slow each other down
            task.waiting = False
            task.result = work(tell)
    except (FerError, OSError) as error:
        task.error = str(error)
    except Exception:
        logging.getLogger("fer").exception("%s failed", task.title)
        task.error = f"{task.title} failed; the log of the app says why."
    finally:
        task.done = True


def result(key: str) -> Any:
    """What the work gave, or None."""
    task = _tasks.get(_own(key))
    return task.result if task is not None and task.done else None


def failed(key: str) -> bool:
    """Whether it ended with an error."""
    task = _tasks.get(_own(key))
    return task is not None and task.done and task.error is not None


def under_way(key: str) -> bool:
    """Whether it goes on; then its bar is drawn, and the page runs again when it ends. An error is shown once it has ended with one."""
    task = _tasks.get(_own(key))
    if task is None:
        return False
    if not task.done:
        st.fragment(_bar, run_every=_REFRESH_SECONDS)(key)
        return True
    if task.error:
        st.error(task.error, icon=":material/error:")
    return False


def _bar(key: str) -> None:
    task = _tasks.get(_own(key))
    if task is None or task.done:
        st.rerun()
    st.progress(
        task.share,
        text=f"{task.title}: waits for other work" if task.waiting else f"{task.title} ... {task.share:.0%}",
    )
