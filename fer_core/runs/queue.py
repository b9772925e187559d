"""The queue: runs that wait until others have ended. A process of its own starts them, so that the app need not stay open."""

from __future__ import annotations

import time
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import FerError, TrainingError
from ..process_folder import start_detached
from . import launch, shared_queue
from .holding import held_file
from .registry import Registry
from .run_folder import OPEN_STATES, RUNNING_STATES, RunFolder, list_runs
from .sweep_folder import SweepFolder, list_sweeps

_LOCK = "queue.lock"
_LOOK_SECONDS = 0.7


def submit(run: RunFolder | SweepFolder) -> bool:
    """Start a run or sweep now where nothing else is under way, else queue it. Whether it was started.

    Raises:
        TrainingError: the folder or the registry cannot be written, or no process can be started.
    """
    if shared_queue.is_shared(run.path):
        return shared_queue.submit(run)
    parent = run.path.parent
    registry = Registry(parent)
    others = [name for name in under_way(parent) if name != run.name]  # a new one counts as starting
    if not registry.queue() and len(others) < registry.parallel():
        launch.resume(run)
        return True
    enqueue(run)
    return False


def enqueue(run: RunFolder | SweepFolder) -> None:
    """Put a run or sweep at the end of the queue, and see to it that the queue is worked on.

    Raises:
        TrainingError: as `submit`.
    """
    if shared_queue.is_shared(run.path):
        shared_queue.submit(run)
        return
    run.write_status("queued", "Waits for others to end.")
    Registry(run.path.parent).enqueue(run.name)
    ensure_worker(run.path.parent)


def start_now(run: RunFolder | SweepFolder) -> None:
    """Start what waits without waiting for the others; nothing where somebody else has just started it.

    Raises:
        TrainingError: the visitors of a hosted app take turns.
    """
    if shared_queue.is_shared(run.path):
        raise TrainingError(
            "On this server runs take turns: it starts as soon as those before it have ended."
        )
    if Registry(run.path.parent).take(run.name):
        launch.resume(run)


def leave_queue(run: RunFolder | SweepFolder) -> None:
    """Take a run or sweep out of the queue; it can be started later."""
    if Registry(run.path.parent).take(run.name):
        run.write_status("stopped", "Taken out of the queue.")


def under_way(parent: Path) -> list[str]:
    """Names of what trains below `parent` now: runs, those from the shell too, and sweeps, whose own runs do not count again."""
    sweeps = [sweep.name for sweep in list_sweeps(parent) if sweep.status()["state"] in RUNNING_STATES]
    about = Registry(parent).about()
    of_sweeps = {name for name, known in about.items() if known.sweep in sweeps}
    return sweeps + [
        run.name
        for run in list_runs(parent)
        if run.status()["state"] in RUNNING_STATES and run.name not in of_sweeps
    ]


def ensure_worker(parent: Path) -> None:
    """Start the process that works on the queue, where something waits and none is at work.

    Raises:
        TrainingError: it cannot be started.
    """
    if shared_queue.is_shared(parent):
        return  # the app does that itself, for all visitors
    if not Registry(parent).queue() or worker_alive(parent):
        return
    try:
        start_detached(["queue", "--runs", str(parent.resolve()), "--work"], parent / "queue.log")
    except OSError as error:
        raise TrainingError(f"The queue could not be started: {error.strerror or error}.") from None


def worker_alive(parent: Path) -> bool:
    """Whether a process works on the queue now."""
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
    """Start what waits, in order, as soon as there is room; return when nothing waits any more.

    Raises:
        TrainingError: another process does so already.
    """
    registry = Registry(parent)
    while registry.queue():  # again: something may have come between the last look and the end of the lock
        with held_file(parent / _LOCK, f"Another process works on the queue of {parent}."):
            while True:
                room = len(under_way(parent)) < registry.parallel()
                waiting = registry.queue()  # after that look, during which the order may have been changed
                if not waiting:
                    break
                if room:
                    _start(parent, waiting[0], registry)
                else:
                    time.sleep(_LOOK_SECONDS)


def _start(parent: Path, name: str, registry: Registry) -> None:
    run: RunFolder | SweepFolder = (
        SweepFolder(parent / name) if SweepFolder(parent / name).exists() else RunFolder(parent / name)
    )
    if not registry.take(name) or not run.exists() or run.status()["state"] not in OPEN_STATES:
        return  # deleted, or taken out meanwhile
    try:
        launch.resume(run)
    except FerError as error:  # the others must not wait for ever behind it
        run.write_status("failed", str(error))
