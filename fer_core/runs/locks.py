"""Who carries out which trial, where several processes work at one sweep.

A worker holds a lock for each trial that it carries out. When it ends, however it ends, the system lets the lock go, and another worker
takes the trial over where it stands. On a file system that machines share, its locks must work across them (NFS 4, or 3 with lockd).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import TrainingError


class Claims:
    """The locks in the folder of a sweep.

    Raises:
        TrainingError: from any method: the folder cannot be written.
    """

    def __init__(self, sweep: Path) -> None:
        self._folder = sweep / "claims"

    @contextlib.contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """What one worker does inside, no other does at the same time."""
        with self._lock("drawing"):
            yield

    def take(self, trial: int) -> FileLock | None:
        """The lock of a trial, held; None while another worker carries it out."""
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
