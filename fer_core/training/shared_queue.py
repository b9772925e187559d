"""The queue of a hosted app: the runs of all visitors in one order. The app starts them itself, so that no further process takes memory."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import FerError, TrainingError
from ..hosting import quotas, visitors
from ..hosting.visitors import Visitors
from ..process_folder import OPEN_STATES
from . import launch
from .registry import Registry
from .run_folder import RunFolder
from .sweep_folder import SweepFolder

_LOCK = "start.lock"
_PATIENCE = 20  # seconds


def is_shared(path: Path) -> bool:
    """Whether `path` lies in the folder of a visitor of a hosted app."""
    return visitors.of(path) is not None


def submit(run: RunFolder | SweepFolder) -> bool:
    """Put a visitor's run or sweep at the end of the queue, and start it where its turn is now. Whether it was started.

    Raises:
        FerError: it goes beyond what a visitor may, or cannot be written or started.
    """
    found = visitors.of(run.path)
    assert found is not None
    everybody, home = found
    quotas.check_config(run.config() if isinstance(run, RunFolder) else run.config().base, everybody, home)
    run.write_status("queued", "Waits for others to end.")
    Registry(run.path.parent).enqueue(run.name)
    return run.path in [started.path for started in tend(everybody)]


def before(run: RunFolder | SweepFolder) -> int:
    """How many wait before it."""
    waiting = Registry(run.path.parent).everybodys_queue()
    mine = f"{run.path.parent.parent.name}/{run.name}"
    return waiting.index(mine) if mine in waiting else 0


def tend(everybody: Visitors) -> list[RunFolder | SweepFolder]:
    """Start what waits, in order, as far as there is room for it now. What was started.

    Raises:
        FerError: the queue cannot be read.
    """
    registry = Registry(everybody.root)
    started: list[RunFolder | SweepFolder] = []
    if not registry.queue():
        return started
    try:
        with FileLock(
            everybody.root / _LOCK, timeout=_PATIENCE
        ):  # of two who start at once, one sees what the other started
            while (waiting := registry.queue()) and quotas.room(everybody):
                run = _folder(everybody, waiting[0])
                if not registry.take(waiting[0]) or run is None or run.status()["state"] not in OPEN_STATES:
                    continue  # deleted, or taken out meanwhile
                try:
                    launch.resume(run)
                    started.append(run)
                except FerError as error:  # the others must not wait for ever behind it
                    run.write_status("failed", str(error))
    except Timeout:
        return started  # somebody else is at it
    except OSError as error:
        raise TrainingError(
            f"The queue in {everybody.root} cannot be used: {error.strerror or error}."
        ) from None
    return started


def _folder(everybody: Visitors, name: str) -> RunFolder | SweepFolder | None:
    """What VISITOR/NAME means; None where it is gone."""
    visitor, _, run = name.partition("/")
    path = everybody.root / visitor / "runs" / run
    if SweepFolder(path).exists():
        return SweepFolder(path)
    return RunFolder(path) if RunFolder(path).exists() else None
