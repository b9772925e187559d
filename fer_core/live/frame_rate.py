"""How many frames a second a live session answers, how late, and how many it drops: over the last seconds, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

_WINDOW = 5.0  # seconds over which the figures are taken
_BASE_WINDOW = 10.0  # and over which the fastest frame is looked for
_MOST = 1024  # frames that are remembered at most
_JUMP = 5.0  # a camera's clock that jumps so far has begun anew


@dataclass(frozen=True)
class Figures:
    """What a live session measured. Delays are in seconds, None while nothing was answered in the last seconds."""

    frames_per_second: float
    delay: float | None  # median
    delay_95: float | None  # 95th percentile
    frames: int  # that came since the session began
    dropped: int  # of these, without an answer


class Pace:
    """Not thread-safe; the session holds its lock.

    The delay of a frame goes from its capture to its answer, as far as it can be known here: a camera's clock is not ours, so the
    fastest frame of the last seconds is taken to have come without delay. What is missing is thus the time that even that one took
    from the camera through the browser and the network.
    """

    def __init__(self) -> None:
        self._answers: deque[tuple[float, float]] = deque(maxlen=_MOST)  # when, delay
        self._bases: deque[tuple[float, float]] = deque(
            maxlen=_MOST
        )  # when, ours minus the camera's clock; rising: the first is least
        self._frames = self._dropped = 0

    def came(self, now: float, captured: float | None, unseen: int = 0) -> None:
        """A frame is here, after `unseen` others that nobody will look at.

        Args:
            captured: the camera's clock when it was taken, in seconds from any moment; None where it is unknown.
        """
        self._frames += 1 + unseen
        self._dropped += unseen
        if captured is None:
            return
        base = now - captured
        if self._bases and abs(base - self._bases[0][1]) > _JUMP:
            self._bases.clear()
        while self._bases and self._bases[-1][1] >= base:
            self._bases.pop()
        self._bases.append((now, base))
        while self._bases[0][0] < now - _BASE_WINDOW:
            self._bases.popleft()

    def moment(self, came: float, captured: float | None) -> float:
        """When the frame that came last was captured, by our clock."""
        return came if captured is None or not self._bases else captured + self._bases[0][1]

    def dropped(self) -> None:
        """The frame that came last gets no answer."""
        self._dropped += 1

    def answered(self, now: float, came: float, captured: float | None) -> None:
        """The frame that came last has its answer."""
        self._answers.append((now, now - self.moment(came, captured)))

    def figures(self, now: float) -> Figures:
        recent = [(when, delay) for when, delay in self._answers if when > now - _WINDOW]
        if len(recent) < 2:
            return Figures(0.0, None, None, self._frames, self._dropped)
        # To now, so that the rate falls when frames stay away.
        rate = (len(recent) - 1) / max(now - recent[0][0], 1e-6)
        median, late = np.percentile([delay for _, delay in recent], [50, 95])
        return Figures(rate, float(median), float(late), self._frames, self._dropped)
