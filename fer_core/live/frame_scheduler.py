"""Several live sessions share the processor evenly: each works on one frame, then it is the turn of the others.

Without it, whoever sends most frames would get most of the processor, and all would work at once and wait for each other's locks.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ..cores import available_cores
from ..errors import FerError

_SESSIONS_PER_CORE = 4  # with more, one core gives nobody the 5 frames a second that still look alive, since video is coded as well


class LiveError(FerError):
    """A live session cannot begin."""


class Turns:
    """Lets a few frames be worked on at once, in the order in which they asked.

    A session asks for one frame at a time, so the order of asking is a round: with n sessions that all have frames, each gets every
    n-th turn, however many frames its camera sends. The frames that come meanwhile are dropped.

    Args:
        at_once: how many frames are worked on at the same time; by default one for each core that this process may use.
        most: how many sessions may be there; by default four for each of these.
    """

    def __init__(self, at_once: int | None = None, most: int | None = None) -> None:
        self.at_once = at_once or available_cores()
        self.most = most or _SESSIONS_PER_CORE * self.at_once
        self._busy = 0
        self._asking: deque[object] = deque()
        self._change = threading.Condition()
        self._seats: weakref.WeakSet[Seat] = (
            weakref.WeakSet()
        )  # a session that was forgotten gives its seat back, too

    @property
    def sessions(self) -> int:
        """How many are there."""
        return len(self._seats)

    def join(self) -> Seat:
        """A seat for a new session.

        Raises:
            LiveError: all are taken.
        """
        with self._change:
            if len(self._seats) >= self.most:
                raise LiveError(
                    f"{self.most} people use the live camera of this machine, which is as many as it can serve: take a snapshot "
                    "instead, or try again in a few minutes."
                )
            seat = Seat(self)
            self._seats.add(seat)
            return seat

    def leave(self, seat: Seat) -> None:
        with self._change:
            self._seats.discard(seat)

    @contextmanager
    def turn(self, patience: float) -> Iterator[bool]:
        """Wait for a turn, at most `patience` seconds; whether it came."""
        mine = object()
        with self._change:
            self._asking.append(mine)
            came = self._change.wait_for(
                lambda: self._busy < self.at_once and self._asking[0] is mine, patience
            )
            self._asking.remove(mine)
            self._busy += came
            self._change.notify_all()  # the next one may be first now
        try:
            yield came
        finally:
            with self._change:
                self._busy -= came
                self._change.notify_all()


class Seat:
    """A session's place in the round."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def turn(self, patience: float):
        """See `Turns.turn`."""
        return self._turns.turn(patience)

    def leave(self) -> None:
        self._turns.leave(self)
