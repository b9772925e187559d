"""Frame rate, delay and dropped frames of a live session over the last seconds, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

_WINDOW = 5.0  # seconds over which the figures are computed
_BASE_WINDOW = 10.0  # seconds over which the fastest frame is searched
_MAX_FRAMES = 1024  # frames that are remembered at most
_JUMP = 5.0  # seconds: a camera's clock that jumps further has restarted


@dataclass(frozen=True)
class FrameStatistics:
    """Measurements of a live session. Delays are in seconds, None without answers in the last seconds."""

    frames_per_second: float
    delay: float | None  # median
    delay_95: float | None  # 95th percentile
    frames: int  # received since the session began
    dropped: int  # of these, without an answer


class FrameRateMeter:
    """Meter of a live session. Not thread-safe; the session holds its lock.

    The delay of a frame is the time from its capture to its answer, as far as it can be measured here: the
    camera has another clock, so the fastest frame of the last seconds is assumed to have arrived without
    delay. The time that even that frame took from the camera through the browser and the network is not
    included.
    """

    def __init__(self) -> None:
        self._answers: deque[tuple[float, float]] = deque(maxlen=_MAX_FRAMES)  # time, delay
        # (time, our clock minus the camera's), ascending: the first is the smallest
        self._bases: deque[tuple[float, float]] = deque(maxlen=_MAX_FRAMES)
        self._frames = self._dropped = 0

    def arrived(self, now: float, captured: float | None, unseen: int = 0) -> None:
        """Note the arrival of a frame, after `unseen` others that are skipped.

        Args:
            captured: The camera's clock at the capture, in seconds from any moment; None if unknown.
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
        """Return the capture time of the last frame by our clock."""
        return came if captured is None or not self._bases else captured + self._bases[0][1]

    def dropped(self) -> None:
        """Note that the last frame gets no answer."""
        self._dropped += 1

    def answered(self, now: float, came: float, captured: float | None) -> None:
        """Note that the last frame has its answer."""
        self._answers.append((now, now - self.moment(came, captured)))

    def figures(self, now: float) -> FrameStatistics:
        recent = [(when, delay) for when, delay in self._answers if when > now - _WINDOW]
        if len(recent) < 2:
            return FrameStatistics(0.0, None, None, self._frames, self._dropped)
        # Until now, so that the rate falls when no frames arrive.
        rate = (len(recent) - 1) / max(now - recent[0][0], 1e-6)
        median, late = np.percentile([delay for _, delay in recent], [50, 95])
        return FrameStatistics(rate, float(median), float(late), self._frames, self._dropped)
