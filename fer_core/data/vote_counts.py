"""FER+ votes of images: ten for each, by expression (Barsoum et al. 2016, arXiv:1608.01041)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..emotions import NAMES
from .dataset import UNLABELLED

# A line of the lists of FER+'s own script: the picture's name, a box, and the votes.
PICTURE_LINE = re.compile(r'\s*fer\d+\.png\s*,\s*"?\(', re.IGNORECASE)
# Columns of the file under their FER+ names. The first eight are expressions.
COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
_COLUMN_OF_NAME = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}


@dataclass(frozen=True)
class Votes:
    """Votes for the images of one data set, in its order."""

    counts: np.ndarray  # (N, 10) uint8, columns as in COLUMNS

    def distribution(self) -> np.ndarray:
        """Return shares of the votes for the classes in `emotions.NAMES`, (N, C) float32.

        A row without votes for any of them is zero.

        Votes for contempt, "unknown" and "not a face" are dropped, and so is a class with a single vote if
        others have more: such single votes are mostly slips (Barsoum et al. drop them too).
        """
        counts = self.for_classes()
        single = (counts <= 1) & (counts.max(axis=1, keepdims=True) > 1)
        counts = np.where(single, 0, counts).astype(np.float32)
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def majority(self) -> np.ndarray:
        """Return the majority's positions in `emotions.NAMES`, (N,) int8.

        Images without a majority for one of them are UNLABELLED.

        This follows Barsoum et al.: classes with a single vote are dropped, and one class must have more than
        half of the remaining votes. A tie has no label, nor has a majority for contempt, "unknown" or "not a
        face".
        """
        counts = np.where(self.counts <= 1, 0, self.counts).astype(np.int64)
        winner = counts.argmax(axis=1)
        clear = 2 * counts.max(axis=1) > counts.sum(axis=1)
        position = np.array(
            [
                list(_COLUMN_OF_NAME.values()).index(c) if c in _COLUMN_OF_NAME.values() else UNLABELLED
                for c in COLUMNS
            ]
        )
        return np.where(clear, position[winner], UNLABELLED).astype(np.int8)

    def agreed(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return those of `indices` for which there is a majority, and their `majority`, both (n,) int64."""
        majority = self.majority()[indices].astype(np.int64)
        clear = majority != UNLABELLED
        return indices[clear], majority[clear]

    def not_a_face(self) -> np.ndarray:
        """Return whether at least half of the voters saw no face, (N,) bool."""
        return 2 * self.counts[:, COLUMNS.index("NF")].astype(int) >= np.maximum(1, self.counts.sum(axis=1))

    def for_classes(self) -> np.ndarray:
        """Return the votes for the classes in `emotions.NAMES`, (N, C) uint8."""
        return self.counts[:, [COLUMNS.index(_COLUMN_OF_NAME[name]) for name in NAMES]]
