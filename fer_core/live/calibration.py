"""Neutral calibration during a session: some seconds of observing a face, whose offset is then applied."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import neutral

_MIN_SHARE = 0.5  # of the seconds in which the face must have been in view
_MAX_LOOKS = 600
_GAP = 1.0  # seconds; a longer pause between two frames was not in view
_GONE = 2.0  # seconds after which a single face in view counts as the calibrated person


@dataclass(frozen=True)
class Calibration:
    """State of a calibration.

    It runs while `seconds_left` is a number; `face` is the number of its face; `problem` is the reason why it
    failed.
    """

    seconds_left: float | None = None
    face: int | None = None
    problem: str | None = None

    @property
    def holds(self) -> bool:
        return self.face is not None and self.seconds_left is None


class Calibrator:
    """Calibration of one session.

    Not thread-safe; the session holds its lock. Nothing is kept after the session.

    Args:
        usual: (C,) log probabilities, see `neutral.reference`.
    """

    def __init__(self, usual: np.ndarray) -> None:
        self._usual = usual
        self._seconds = self._ends = 0.0
        self._looks: deque[np.ndarray] = deque(maxlen=_MAX_LOOKS)
        self.forget()

    def begin(self, now: float, seconds: float) -> None:
        self.forget()
        self._seconds, self._ends = seconds, now + seconds

    def forget(self) -> None:
        self._ends = 0.0
        self._looks.clear()
        self._face: int | None = None
        self._offset: np.ndarray | None = None
        self._seen = 0.0  # time at which the face was last in view
        self._in_view = 0.0  # seconds, during the calibration
        self._problem: str | None = None

    def update(self, now: float, faces: Mapping[int, np.ndarray], largest: int | None) -> None:
        """Process a frame.

        Args:
            faces: The model's (C,) probabilities of each face by its number.
            largest: Number of the largest face.
        """
        if self._ends:
            # A face that was lost has a new number.
            if self._face is None or (self._face not in faces and len(faces) == 1):
                self._face, self._seen = largest, now
            if self._face is not None and self._face in faces:
                self._looks.append(neutral.logs(faces[self._face]))
                self._in_view += min(now - self._seen, _GAP)
                self._seen = now
            if now >= self._ends:
                self._finish()
        elif self._face in faces:
            self._seen = now
        elif self._offset is not None and len(faces) == 1 and now > self._seen + _GONE:
            self._face, self._seen = next(iter(faces)), now

    def offset(self, face: int) -> np.ndarray | None:
        """Return (C,) to subtract from a face's log probabilities."""
        return self._offset if face == self._face else None

    def state(self, now: float) -> Calibration:
        return Calibration(max(0.0, self._ends - now) if self._ends else None, self._face, self._problem)

    def _finish(self) -> None:
        self._ends = 0.0
        if self._in_view < _MIN_SHARE * self._seconds:
            self._face = None
            self._problem = (
                f"The face was in view for only {self._in_view:.1f} of {self._seconds:.0f} "
                "seconds: look into the camera and try again."
            )
        else:
            self._offset = neutral.offset(np.mean(self._looks, axis=0), self._usual, self._in_view)
        self._looks.clear()
