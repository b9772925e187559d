"""Folder of a background process, with its status, its lock and requests to stop."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .errors import TrainingError
from .foreign_json import read_json
from .resources import subprocess_environment
from .storage import write_atomically

RUNNING_STATES = ("starting", "running", "paused")
OPEN_STATES = ("queued", *RUNNING_STATES)  # those that need not be started
_LONGEST_STATE = 40  # characters
_LATEST = 4e9  # s since 1970, in the year 2096
_STARTING_SECONDS = 12  # until a process has its lock


class FolderTakenError(TrainingError):
    """A run or sweep cannot be created, since its folder contains one already."""


@dataclass(frozen=True)
class ProcessFolder:
    """Files status.json, stop, lock and log.txt of a run or a sweep."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    def lock(self) -> FileLock:
        """Return a new lock object, which sees other holders; see `runs.locks.lock_run`."""
        return FileLock(self.path / "lock")

    def write_status(self, state: str, message: str = "", **more: Any) -> None:
        """Write the status.

        `state` is queued, starting, running, paused, finished, stopped, pruned or failed.
        """
        status = (
            self._json("status.json") | more | {"state": state, "message": message, "updated": time.time()}
        )
        status.setdefault("started", time.time())
        write_atomically(self.path / "status.json", json.dumps(status, indent=1).encode())

    def status(self) -> dict[str, Any]:
        """Return the last written status, or "interrupted" if its process died."""
        status: dict[str, Any] = {
            "state": "unknown",
            "message": "",
            "started": 0.0,
            "updated": 0.0,
        } | self._json("status.json")
        for key in ("started", "updated"):  # others sort and subtract them, and name the day
            if not isinstance(status[key], int | float) or not 0 <= status[key] < _LATEST:
                status[key] = 0.0
        state = status["state"]  # a newer version may write others
        if not isinstance(state, str) or len(state) > _LONGEST_STATE or not state.isprintable():
            status["state"] = "unknown"
        if not isinstance(status["message"], str):
            status["message"] = ""
        # A process that has just been started may not hold its lock yet. The clock may have been changed
        # meanwhile.
        just_started = status["state"] == "starting" and _is_recent(status["updated"])
        if status["state"] in RUNNING_STATES and not just_started and not self.alive():
            status = status | {
                "state": "interrupted",
                "message": "The training process ended without finishing.",
            }
        return status

    def check_idle(self) -> None:
        """Check that the folder is there, and that no process trains in it or was started in it just now.

        Raises:
            TrainingError: The folder was deleted, or a process is at work.
        """
        if not self.path.is_dir():
            raise TrainingError(f"{self.name} is no longer there: it was deleted.")
        status = self._json("status.json")
        launched = status.get("state") == "starting" and _is_recent(status.get("launched"))
        if launched or self.alive():
            raise TrainingError(f"{self.name} is under way already.")

    def alive(self) -> bool:
        """Return whether a process is training in this folder.

        Its lock ends with the process, unlike a process id, which may be reused.
        """
        if not self.path.is_dir():
            return False
        lock = self.lock()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:  # a read-only folder: no process can train in it
            return False
        lock.release()
        return False

    def request_stop(self) -> None:
        (self.path / "stop").touch()

    def stop_requested(self) -> bool:
        return (self.path / "stop").exists()

    def clear_old_stop(self) -> None:
        """Remove a stop request from before the process was started.

        One that came during its start stays valid.
        """
        status = self._json("status.json")
        with contextlib.suppress(OSError, TypeError, ValueError):
            if status.get("state") != "starting" or (self.path / "stop").stat().st_mtime < float(
                status.get("updated", 0)
            ):
                self.clear_stop()

    def clear_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            value = read_json(self.path / name)
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}


def _is_recent(moment: Any) -> bool:
    """Return whether a process that was started at `moment` may not hold its lock yet."""
    return isinstance(moment, int | float) and abs(time.time() - moment) < _STARTING_SECONDS


def start_detached(
    arguments: list[str], log: Path, mode: str = "ab", environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `python -m fer_core` with these arguments in a process that outlives this one.

    Its output goes to `log`.

    Args:
        environment: Additional environment variables.

    Raises:
        OSError: The process cannot be started, or the log cannot be written.
    """
    with open(log, mode) as file:
        return subprocess.Popen(
            [sys.executable, "-m", "fer_core", *arguments],
            env=subprocess_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a signal to the app's terminal does not end it
        )


def unused_path(parent: Path, name: str) -> Path:
    """Return a new path below `parent`, named after the time and `name`.

    Raises:
        TrainingError: A hundred were created in this second.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        path = parent / f"{stamp}-{name}{suffix}"
        if not path.exists():
            return path
    raise TrainingError(f"Too many runs were started below {parent} in one second: try again.")
