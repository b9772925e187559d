"""Smoothing of probabilities over time, independent of the frame rate."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np


class Smoother:
    """Exponential smoothing with a time constant of `seconds`; 0 seconds smooth nothing.

    The weights follow the time between frames, so the result does not depend on the speed of the machine.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # Time of the last sight and smoothed values, by the number of the face.
        self._state: dict[int, tuple[float, np.ndarray]] = {}

    def update(self, number: int, time: float, values: np.ndarray) -> np.ndarray:
        """Return the smoothed values (C,) of one face with the new `values` (C,) at a time in seconds."""
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
