"""Helper processes of the app (Grad-CAM, a map, an export, a measurement), started in one place.

In a hosted app each is counted before it takes memory, gives way to the app, and is the first to end where
memory runs out; everywhere, ended ones are reaped.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ModelError
from . import memory
from .quotas import give_way
from .settings import HostingSettings

AT_ONCE = 2  # of all visitors together; further ones would only slow each other down


@dataclass(frozen=True)
class Helper:
    """A process that runs."""

    process: subprocess.Popen[bytes]
    what: str
    visitor: str  # whose job it is; empty for one that all share


class Helpers:
    """The helper processes of one app."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[Helper] = []

    def start(
        self,
        what: str,
        launch: Callable[[], subprocess.Popen[bytes]],
        settings: HostingSettings | None,
        visitor: str = "",
    ) -> subprocess.Popen[bytes]:
        """Start a process with `launch`.

        Args:
            what: What needs the process, as the subject of messages.
            launch: Starts the process.
            settings: Of a hosted app; None in local use, which has no limits.
            visitor: Whose job it is. A visitor has one at a time; an empty one is shared by all.

        Raises:
            ModelError: The visitor has a job already, or the server has no room for another one now.
            OSError: It cannot be started.
        """
        with self._lock:  # of several that are started together, each sees those before it
            self._reap()
            if settings is not None:
                self._check(what, settings, visitor)
            process = launch()
            self._running.append(Helper(process, what, visitor))
        if settings is not None:
            give_way(process.pid)
        return process

    def reap(self) -> int:
        """Forget the processes that have ended, which leaves no zombies, and return how many run."""
        with self._lock:
            self._reap()
            return len(self._running)

    def _reap(self) -> None:
        self._running = [helper for helper in self._running if helper.process.poll() is None]

    def _check(self, what: str, settings: HostingSettings, visitor: str) -> None:
        own = next((helper.what for helper in self._running if visitor and helper.visitor == visitor), None)
        if own is not None:
            raise ModelError(
                f"{own} that you started is not finished yet: wait for it, since a visitor has one such job "
                "at a time."
            )
        if len(self._running) >= AT_ONCE:
            raise ModelError(
                f"{what} needs a process of its own, and this server runs {AT_ONCE} for others now: try "
                "again in a minute."
            )
        # A young process has not taken yet what it will need.
        needed = memory.HELPER_MB * 1_000_000
        reserved = sum(
            max(0, needed - memory.process_tree_bytes(helper.process.pid)) for helper in self._running
        )
        if memory.free(settings.memory_mb) - reserved < needed:
            raise ModelError(
                f"{what} needs {memory.HELPER_MB} MB of memory, which this server does not have now: try "
                "again when no run is training."
            )
