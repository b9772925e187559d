"""Locks of run folders, the queue and the trials of a sweep.

The system releases a lock when its process ends, however it ends. On a file system that machines share, its
locks must work across them (NFS 4, or 3 with lockd).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import TrainingError
from ..hosting import visitors
from ..process_folder import ProcessFolder

_PATIENCE, _STARTS_PATIENCE = 5, 20  # seconds


class LockHeldError(TrainingError):
    """Another process holds a lock."""


@contextlib.contextmanager
def lock_run(run: ProcessFolder) -> Iterator[None]:
    """Hold the lock of a run or sweep, by which others see that a process trains in it. It can be held again
    inside.

    Raises:
        TrainingError: Another process holds it, or the folder cannot be written.
    """
    with lock_file(
        run.path / "lock", f"Another process is training in {run.path}: wait for it or stop it first."
    ):
        yield


@contextlib.contextmanager
def lock_starts(parent: Path) -> Iterator[None]:
    """Hold the lock under which runs below `parent` are started, queued, taken out of the queue and deleted.

    Of two apps on one folder, the second sees what the first has done. The runs of all visitors of a hosted
    app have one lock. It can be held again inside.

    Raises:
        LockHeldError: Another process holds it.
        TrainingError: The folder cannot be written.
    """
    owner = visitors.owner_of(parent)
    place = parent if owner is None else owner[0].root
    message = f"Another process is starting or deleting runs in {place}: try again."
    with lock_file(place / "start.lock", message, _STARTS_PATIENCE):
        yield


@contextlib.contextmanager
def lock_file(path: Path, message: str, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock at `path`.

    Args:
        patience: Seconds to wait for another process.

    Raises:
        LockHeldError: With `message` if another process holds it.
        TrainingError: The folder cannot be written.
    """
    # One object for a path, so that holding it twice in one process is no conflict; `ProcessFolder.lock`
    # makes its own.
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=patience)
    except TimeoutError:
        raise LockHeldError(message) from None
    except OSError as error:
        raise TrainingError(f"{path.parent} cannot be written: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()


class TrialLocks:
    """Locks that give each trial of a sweep to one worker.

    Another worker takes over the trial of one that was killed.

    Raises:
        TrainingError: From any method: the folder cannot be written.
    """

    def __init__(self, sweep: Path) -> None:
        self._folder = sweep / "claims"

    @contextlib.contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Keep the other workers waiting while the block runs."""
        with self._lock("drawing"):
            yield

    def take(self, trial: int) -> FileLock | None:
        """Return the lock of a trial, held; None while another worker has it."""
        lock = self._lock(f"{trial + 1:03}")
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
        return lock if lock.is_locked else None

    def _lock(self, name: str) -> FileLock:
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self._folder.parent} cannot be written: {error.strerror}.") from None
        return FileLock(self._folder / f"{name}.lock")
