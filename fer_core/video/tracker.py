"""Tracking of faces over time: each keeps its number from frame to frame.

After SORT: Bewley, Ge, Ott, Ramos, Upcroft: "Simple Online and Realtime Tracking", ICIP 2016,
doi:10.1109/ICIP.2016.7533003: earlier boxes are extrapolated and assigned to the new ones by the Hungarian
method. Frames here may be 200 ms apart, in which a face can leave its own box, so the distance counts as well
as the overlap; and the velocity is an average instead of a Kalman filter's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

_REACH = 1.0  # search radius around the expected position, in face sizes
_MAX_GROWTH = 2.0  # of a face's side from one sight to the next
_VELOCITY_SHARE = 0.5  # weight of the newest step in the average
_MOVES_ON = 0.5  # seconds: the position of a face that is lost for longer is no longer extrapolated


@dataclass
class _TrackedFace:
    number: int
    box: np.ndarray  # (4,) x, y, width, height
    time: float
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))  # pixels a second, of the centre

    def moved_to(self, time: float) -> np.ndarray:
        box = self.box.copy()
        box[:2] += self.velocity * min(time - self.time, _MOVES_ON)
        return box

    def seen(self, box: np.ndarray, time: float) -> None:
        if time > self.time:
            step = (_centres(box[None]) - _centres(self.box[None]))[0] / (time - self.time)
            self.velocity += _VELOCITY_SHARE * (step - self.velocity)
        self.box, self.time = box, time


class Tracker:
    """Tracker that numbers the faces of successive frames, 1, 2, ... in the order of their first sight."""

    def __init__(self, max_gap: float = 1.0) -> None:
        """Create a tracker without faces.

        Args:
            max_gap: Seconds for which a face may be out of sight and keep its number.
        """
        self.max_gap = max_gap
        self._faces: list[_TrackedFace] = []
        self._count = 0

    def update(self, time: float, boxes: Sequence[Sequence[float]]) -> list[int]:
        """Return the numbers of the faces in a frame.

        Args:
            time: The time of the frame in seconds; not before that of the last one.
            boxes: The x, y, width and height of each face.
        """
        from scipy.optimize import linear_sum_assignment

        self._faces = [face for face in self._faces if time - face.time <= self.max_gap]
        seen = np.asarray(boxes, np.float64).reshape(-1, 4)
        numbers = [0] * len(seen)
        if self._faces and len(seen):
            expected = np.stack([face.moved_to(time) for face in self._faces])
            cost, possible = _costs(expected, seen)
            for i, j in zip(*linear_sum_assignment(np.where(possible, cost, 1e3)), strict=True):
                if possible[i, j]:
                    self._faces[i].seen(seen[j], time)
                    numbers[j] = self._faces[i].number
        for j, number in enumerate(numbers):
            if not number:
                self._count += 1
                numbers[j] = self._count
                self._faces.append(_TrackedFace(self._count, seen[j], time))
        return numbers

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of faces that may be seen again."""
        return [face.number for face in self._faces]


def _costs(expected: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the costs of assigning N seen boxes to K expected ones, and what is possible, both (K, N)."""
    sides = (
        np.sqrt(np.maximum(1.0, expected[:, None, 2:].prod(axis=-1))),
        np.sqrt(np.maximum(1.0, seen[None, :, 2:].prod(axis=-1))),
    )
    apart = np.linalg.norm(_centres(expected)[:, None] - _centres(seen)[None], axis=-1) / (
        (sides[0] + sides[1]) / 2
    )
    growth = np.maximum(sides[0] / sides[1], sides[1] / sides[0])
    cost = (1 - _overlaps(expected, seen)) + apart + np.log2(growth) / 2
    return cost, (apart <= _REACH) & (growth <= _MAX_GROWTH)


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return (K, N) intersection over union of (K, 4) and (N, 4) boxes."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    return common / np.maximum(1e-9, a[:, None, 2:].prod(axis=-1) + b[None, :, 2:].prod(axis=-1) - common)


def _centres(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2
