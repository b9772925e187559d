"""One process at a time trains in a run folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from ..errors import TrainingError
from ..process_folder import ProcessFolder


@contextlib.contextmanager
def held(run: ProcessFolder) -> Iterator[None]:
    """Hold the lock of a run or sweep, which is how others see that a process is at work in it. It may be held again inside.

    Raises:
        TrainingError: another process holds it, or the folder cannot be written.
    """
    with held_file(
        run.path / "lock", f"Another process is training in {run.path}: wait for it or stop it first."
    ):
        yield


@contextlib.contextmanager
def held_file(path: Path, taken: str) -> Iterator[None]:
    """Hold the lock at `path`; `taken` is the error's text where another process does."""
    # One object for a path, so that holding it twice in one process is no conflict; those that only ask make their own.
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=5)
    except TimeoutError:
        raise TrainingError(taken) from None
    except OSError as error:
        raise TrainingError(f"{path.parent} cannot be written: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()
