"""Fair sharing of the processor among live sessions, which take turns frame by frame.

Without it, the session with the most frames would get most of the processor, and all would run at once and
wait for each other's locks.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FerError
from ..machine import available_cores

# With more, no session gets the 5 frames per second that still look live, since encoding the video takes time
# too.
_SESSIONS_PER_CORE = 4


class LiveError(FerError):
    """A live session cannot begin."""


class FrameScheduler:
    """Queue that lets a few frames be processed at once, in the order of the requests.

    A session requests one frame at a time, so the order is a round: with n busy sessions, each gets every
    n-th turn, however many frames its camera sends. The frames that arrive meanwhile are dropped.

    Args:
        max_concurrent: Number of frames processed at the same time; by default one for each core available
            to this process.
        max_sessions: Maximum number of sessions; by default four for each of these.
    """

    def __init__(self, max_concurrent: int | None = None, max_sessions: int | None = None) -> None:
        self.max_concurrent = max_concurrent or available_cores()
        self.max_sessions = max_sessions or _SESSIONS_PER_CORE * self.max_concurrent
        self._busy = 0
        self._asking: deque[object] = deque()
        self._change = threading.Condition()
        # Weak, so that a session that was garbage-collected leaves its slot too.
        self._slots: weakref.WeakSet[Slot] = weakref.WeakSet()

    @property
    def sessions(self) -> int:
        """Return the number of sessions."""
        return len(self._slots)

    def join(self) -> Slot:
        """Return a slot for a new session.

        Raises:
            LiveError: All slots are taken.
        """
        with self._change:
            if len(self._slots) >= self.max_sessions:
                raise LiveError(
                    f"{self.max_sessions} people use the live camera of this machine, which is as many as it "
                    "can serve: take a snapshot instead, or try again in a few minutes."
                )
            slot = Slot(self)
            self._slots.add(slot)
            return slot

    def leave(self, slot: Slot) -> None:
        with self._change:
            self._slots.discard(slot)

    @contextmanager
    def turn(self, patience: float) -> Iterator[bool]:
        """Wait for a turn, at most `patience` seconds; yields whether it came."""
        request = object()
        with self._change:
            self._asking.append(request)
            came = self._change.wait_for(
                lambda: self._busy < self.max_concurrent and self._asking[0] is request, patience
            )
            self._asking.remove(request)
            self._busy += came
            self._change.notify_all()  # the next one may be first now
        try:
            yield came
        finally:
            with self._change:
                self._busy -= came
                self._change.notify_all()


class Slot:
    """Place of a session in the rounds of the scheduler."""

    def __init__(self, scheduler: FrameScheduler) -> None:
        self._scheduler = scheduler

    def turn(self, patience: float):
        """See `FrameScheduler.turn`."""
        return self._scheduler.turn(patience)

    def leave(self) -> None:
        self._scheduler.leave(self)
