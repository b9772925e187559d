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
from ..process_folder import ProcessFolder


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
def lock_file(path: Path, message: str) -> Iterator[None]:
    """Hold the lock at `path`.

    Raises:
        TrainingError: With `message` if another process holds it; or the folder cannot be written.
    """
    # One object for a path, so that holding it twice in one process is no conflict; `ProcessFolder.lock`
    # makes its own.
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=5)
    except TimeoutError:
        raise TrainingError(message) from None
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
