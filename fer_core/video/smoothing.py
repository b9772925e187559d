"""Smooth probabilities over time, whatever the frame rate."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np


class Smoother:
    """Exponential smoothing: what was seen `seconds` ago weighs 1/e of what is seen now. 0 seconds smooth nothing.

    The weights follow the time between frames, so a slow machine smooths as a fast one does.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._state: dict[
            int, tuple[float, np.ndarray]
        ] = {}  # by the face's number: when it was seen last, and its smoothed values

    def update(self, number: int, time: float, values: np.ndarray) -> np.ndarray:
        """The smoothed values (C,) of one face after it was seen with `values` (C,) at a time in seconds."""
        before = self._state.get(number)
        if before is None or self.seconds <= 0:
            smoothed = np.asarray(values, np.float32)
        else:
            share = 1 - math.exp(-max(0.0, time - before[0]) / self.seconds)
            smoothed = before[1] + np.float32(share) * (values - before[1])
        self._state[number] = (time, smoothed)
        return smoothed

    def keep(self, numbers: Collection[int]) -> None:
        """Forget the faces with other numbers."""
        for number in self._state.keys() - set(numbers):
            del self._state[number]
