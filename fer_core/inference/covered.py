"""Measure for a covered mouth or covered eyes: mask, hand, dark bar.

The face is aligned by its five landmarks, described by histograms of oriented gradients (Dalal and Triggs
2005, doi:10.1109/CVPR.2005.177) of its lower or its upper part, and weighed by a logistic regression.
`python benchmarks/covered_faces.py PHOTOS` chooses the weights on half of the people and tests them on the
others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

WEIGHTS = Path(__file__).with_name("covered.json")
PARTS = ("mouth", "eyes")
_SIDE, _CELL, _BINS = 32, 4, 6  # pixels, pixels, directions over 180 degrees
# Where the five landmarks of `Face` lie in the aligned face.
_PLACES = np.array([[9.5, 11], [22.5, 11], [16, 17.5], [11, 24], [21, 24]])
_ROWS = {"mouth": slice(4, 8), "eyes": slice(1, 4)}  # of the 8 rows of cells


@dataclass(frozen=True)
class CoveredParts:
    """What seems to be covered."""

    mouth: bool
    eyes: bool


def covered_parts(crop: np.ndarray, landmarks: np.ndarray) -> CoveredParts:
    """Return what of a face seems to be covered.

    Args:
        crop: (48, 48) uint8.
        landmarks: (5, 2) in pixels of the crop, see `Face`.
    """
    cells = gradients(aligned(crop, landmarks))
    scores = {}
    for part in PARTS:
        weights, bias = _weights()[part]
        scores[part] = float(features(cells, part) @ weights + bias)
    return CoveredParts(scores["mouth"] > 0, scores["eyes"] > 0)


def aligned(crop: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return (32, 32) float32: the crop moved, turned and scaled to bring its landmarks to fixed places."""
    points, places = landmarks - landmarks.mean(axis=0), _PLACES - _PLACES.mean(axis=0)
    a = (points * places).sum()
    b = (points[:, 0] * places[:, 1] - points[:, 1] * places[:, 0]).sum()
    turn = np.array([[a, -b], [b, a]]) / max(1e-6, float((points**2).sum()))
    matrix = np.column_stack([turn, _PLACES.mean(axis=0) - turn @ landmarks.mean(axis=0)])
    return cv2.warpAffine(
        crop, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)


def gradients(face: np.ndarray) -> np.ndarray:
    """Return (8, 8, 6) histograms of the gradient directions of an aligned face; the norm of all is 1."""
    x, y = cv2.Sobel(face, cv2.CV_32F, 1, 0), cv2.Sobel(face, cv2.CV_32F, 0, 1)
    direction = np.clip((np.arctan2(y, x) % np.pi) / np.pi * _BINS, 0, _BINS - 1).astype(int)
    rows, columns = np.indices(face.shape) // _CELL
    across = _SIDE // _CELL
    index = (rows * across + columns) * _BINS + direction
    histogram = np.bincount(index.ravel(), np.hypot(x, y).ravel(), across * across * _BINS)
    return (histogram / (np.linalg.norm(histogram) + 1e-3)).reshape(across, across, _BINS)


def features(cells: np.ndarray, part: str) -> np.ndarray:
    """Return the (F,) histograms of one of PARTS."""
    return cells[_ROWS[part]].ravel()


@lru_cache(maxsize=1)
def _weights() -> dict[str, tuple[np.ndarray, float]]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {part: (np.array(stored[part]["weights"]), float(stored[part]["bias"])) for part in PARTS}
