"""History of each face of a live session over the last minute, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

SECONDS = 60.0
_STEP = 0.2  # seconds between two points: the visible resolution of a line over a minute
_MAX_FACES = 12


@dataclass(frozen=True)
class History:
    """Smoothed probabilities of one face."""

    ages: np.ndarray  # (n,) seconds ago, descending
    probabilities: np.ndarray  # (n, C) float32


class Histories:
    """Histories by the number of the face. Not thread-safe; the session holds its lock."""

    def __init__(self) -> None:
        self._points: dict[int, deque[tuple[float, np.ndarray]]] = {}

    def add(self, now: float, face: int, probabilities: np.ndarray) -> None:
        points = self._points.setdefault(face, deque(maxlen=round(SECONDS / _STEP) + 1))
        if not points or now - points[-1][0] >= _STEP:
            points.append((now, probabilities.astype(np.float32)))

    def prune(self, now: float) -> None:
        """Forget what is older than a minute, and if there are too many faces, those seen longest ago."""
        for face, points in list(self._points.items()):
            while points and points[0][0] < now - SECONDS:
                points.popleft()
            if not points:
                del self._points[face]
        for face in sorted(self._points, key=lambda face: self._points[face][-1][0])[:-_MAX_FACES]:
            del self._points[face]

    def snapshot(self, now: float) -> dict[int, History]:
        return {
            face: History(np.array([now - when for when, _ in points]), np.stack([p for _, p in points]))
            for face, points in sorted(self._points.items())
            if points
        }
