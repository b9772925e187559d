"""The queue of runs and sweeps that wait until others have ended.

In local use a process of its own works on the queue, so that the app need not stay open. In a hosted app the
runs of all visitors wait in one order, and the app starts them itself, so that no further process takes
memory.
"""

from __future__ import annotations

import time
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import FerError, TrainingError
from ..hosting import quotas, visitors
from ..hosting.visitors import Visitors
from ..process_folder import start_detached
from . import processes
from .locks import LockHeldError, lock_file, lock_starts
from .registry import Registry
from .run_folder import OPEN_STATES, RUNNING_STATES, RunFolder, list_runs
from .sweep_folder import SweepFolder, list_sweeps

_LOCK = "queue.lock"
_POLL_SECONDS = 0.7


def submit(run: RunFolder | SweepFolder) -> bool:
    """Start a run or sweep where nothing else is under way, else queue it.

    Returns:
        Whether it was started.

    Raises:
        FerError: The folder or the registry cannot be written, no process can be started, or it goes beyond a
            visitor's quota.
    """
    if is_shared(run.path):
        return _submit_of_visitor(run)
    parent = run.path.parent
    registry = Registry(parent)
    with lock_starts(parent):
        others = [name for name in under_way(parent) if name != run.name]  # a new one counts as starting
        if not registry.queue() and len(others) < registry.parallel():
            processes.resume(run)
            return True
        _append(run)
    ensure_worker(parent)
    return False


def enqueue(run: RunFolder | SweepFolder) -> None:
    """Put a run or sweep at the end of the queue, and start the process that works on the queue.

    Raises:
        FerError: As for `submit`.
    """
    if is_shared(run.path):
        _submit_of_visitor(run)
        return
    with lock_starts(run.path.parent):
        _append(run)
    ensure_worker(run.path.parent)


def _append(run: RunFolder | SweepFolder) -> None:
    run.check_idle()
    run.write_status("queued", "Waiting for other runs to finish.")
    Registry(run.path.parent).enqueue(run.name)


def start_now(run: RunFolder | SweepFolder) -> None:
    """Start a queued run before the others; do nothing if another process has just started it.

    Raises:
        TrainingError: The visitors of a hosted app take turns.
    """
    if is_shared(run.path):
        raise TrainingError(
            "On this server runs take turns: it starts as soon as those before it have ended."
        )
    with lock_starts(run.path.parent):
        if _take(run):
            processes.resume(run)


def leave_queue(run: RunFolder | SweepFolder) -> None:
    """Take a run or sweep out of the queue; it can be started later."""
    with lock_starts(run.path.parent):
        if _take(run):
            run.write_status("stopped", "Taken out of the queue.")


def _take(run: RunFolder | SweepFolder) -> bool:
    """Return whether a run waits, and take it out of the queue.

    One whose process was killed while it was started may be queued without a place in the queue.
    """
    return Registry(run.path.parent).take(run.name) or run.status()["state"] == "queued"


def under_way(parent: Path) -> list[str]:
    """List the runs and sweeps below `parent` that train now; the runs of a sweep do not count again."""
    sweeps = [sweep.name for sweep in list_sweeps(parent) if sweep.status()["state"] in RUNNING_STATES]
    notes = Registry(parent).notes()
    of_sweeps = {name for name, run_notes in notes.items() if run_notes.sweep in sweeps}
    return sweeps + [
        run.name
        for run in list_runs(parent)
        if run.status()["state"] in RUNNING_STATES and run.name not in of_sweeps
    ]


def ensure_worker(parent: Path) -> None:
    """Start the process that works on the queue, if runs wait and none is at work.

    Raises:
        TrainingError: The process cannot be started.
    """
    if is_shared(parent):
        return  # the app starts the runs of all visitors itself
    if not Registry(parent).queue() or worker_alive(parent):
        return
    try:
        start_detached(["queue", "--runs", str(parent.resolve()), "--work"], parent / "queue.log")
    except OSError as error:
        raise TrainingError(f"The queue could not be started: {error.strerror or error}.") from None


def worker_alive(parent: Path) -> bool:
    """Return whether a process works on the queue now."""
    lock = FileLock(parent / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def work(parent: Path) -> None:
    """Start the queued runs in order, as soon as there is room, until the queue is empty.

    Raises:
        TrainingError: Another process works on the queue already.
    """
    registry = Registry(parent)
    while registry.queue():  # again: a run may have been queued between the last look and the end of the lock
        with lock_file(parent / _LOCK, f"Another process works on the queue of {parent}."):
            while True:
                if _has_room(registry, parent):
                    with lock_starts(parent):
                        room = _has_room(registry, parent)  # again: another process may have started one
                        waiting = registry.queue()  # after that look, which the order may have changed in
                        if not waiting:
                            break
                        if room:
                            _start_next(registry, waiting[0], parent / waiting[0])
                            continue
                elif not registry.queue():
                    break
                time.sleep(_POLL_SECONDS)


def _has_room(registry: Registry, parent: Path) -> bool:
    return len(under_way(parent)) < registry.parallel()


def _start_next(registry: Registry, name: str, path: Path) -> RunFolder | SweepFolder | None:
    """Take `name` out of the queue and start it; None if it was deleted, taken out meanwhile or cannot be
    started."""
    run: RunFolder | SweepFolder = SweepFolder(path) if SweepFolder(path).exists() else RunFolder(path)
    if not registry.take(name) or not run.exists() or run.status()["state"] not in OPEN_STATES:
        return None
    try:
        processes.resume(run)
    except FerError as error:  # the others must not wait for ever behind it
        run.write_status("failed", str(error))
        return None
    return run


# --- the one queue of all visitors of a hosted app ---------------------------------------------------------


def is_shared(path: Path) -> bool:
    """Return whether `path` lies in the folder of a visitor of a hosted app."""
    return visitors.owner_of(path) is not None


def _submit_of_visitor(run: RunFolder | SweepFolder) -> bool:
    owner = visitors.owner_of(run.path)
    assert owner is not None
    everyone, home = owner
    quotas.check_config(run.config() if isinstance(run, RunFolder) else run.config().base, everyone, home)
    with lock_starts(run.path.parent):
        _append(run)
    return run.path in [started.path for started in start_waiting(everyone)]


def position(run: RunFolder | SweepFolder) -> int:
    """Return how many runs of all visitors wait before `run`."""
    waiting = Registry(run.path.parent).shared_queue()
    name = f"{run.path.parent.parent.name}/{run.name}"
    return waiting.index(name) if name in waiting else 0


def start_waiting(everyone: Visitors) -> list[RunFolder | SweepFolder]:
    """Start the queued runs of all visitors in order, as far as there is room for them now.

    Returns:
        Those that were started.

    Raises:
        FerError: The queue cannot be read.
    """
    registry = Registry(everyone.root)
    started: list[RunFolder | SweepFolder] = []
    if not registry.queue():
        return started
    try:
        # Of two that start at once, one sees what the other started.
        with lock_starts(everyone.root):
            while (waiting := registry.queue()) and quotas.has_room(everyone):
                visitor, _, name = waiting[0].partition("/")
                run = _start_next(registry, waiting[0], everyone.root / visitor / "runs" / name)
                if run is not None:
                    started.append(run)
    except LockHeldError:
        return started  # another thread is starting them
    return started
