"""The course of a neutral calibration: for some seconds a face is looked at, then its offset holds until it is forgotten."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import neutral

_LEAST_SHARE = 0.5  # of the seconds that the face must have been in view
_MOST_LOOKS = 600
_GAP = 1.0  # seconds; what is longer between two looks was not in view
_GONE = 2.0  # seconds after which somebody who alone is in view counts as the one who was calibrated


@dataclass(frozen=True)
class Calibration:
    """Where it stands: it runs while `seconds_left` is a number; `face` is the number of the face it is about; `problem` why it failed."""

    seconds_left: float | None = None
    face: int | None = None
    problem: str | None = None

    @property
    def holds(self) -> bool:
        return self.face is not None and self.seconds_left is None


class Calibrator:
    """Not thread-safe; the session holds its lock. Nothing of it is kept after the session.

    Args:
        usual: (C,) log probabilities as of `neutral.reference`.
    """

    def __init__(self, usual: np.ndarray) -> None:
        self._usual = usual
        self._seconds = self._ends = 0.0
        self._looks: deque[np.ndarray] = deque(maxlen=_MOST_LOOKS)
        self.forget()

    def begin(self, now: float, seconds: float) -> None:
        self.forget()
        self._seconds, self._ends = seconds, now + seconds

    def forget(self) -> None:
        self._ends = 0.0
        self._looks.clear()
        self._face: int | None = None
        self._offset: np.ndarray | None = None
        self._seen = 0.0  # when the face was last in view
        self._in_view = 0.0  # seconds, while it runs
        self._problem: str | None = None

    def look(self, now: float, faces: Mapping[int, np.ndarray], largest: int | None) -> None:
        """Take note of a frame.

        Args:
            faces: the model's (C,) probabilities of each face by its number.
            largest: the number of the largest face.
        """
        if self._ends:
            if self._face is None or (
                self._face not in faces and len(faces) == 1
            ):  # a face that was lost has a new number
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
        """(C,) what is to be subtracted from a face's log probabilities."""
        return self._offset if face == self._face else None

    def state(self, now: float) -> Calibration:
        return Calibration(max(0.0, self._ends - now) if self._ends else None, self._face, self._problem)

    def _finish(self) -> None:
        self._ends = 0.0
        if self._in_view < _LEAST_SHARE * self._seconds:
            self._face = None
            self._problem = f"The face was in view for only {self._in_view:.1f} of {self._seconds:.0f} seconds: look into the camera and try again."
        else:
            self._offset = neutral.offset(np.mean(self._looks, axis=0), self._usual, self._in_view)
        self._looks.clear()
