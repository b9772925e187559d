"""FER+: ten human votes for each image of FER2013 (Barsoum et al. 2016, arXiv:1608.01041), in the file `fer2013new.csv`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..emotions import NAMES
from ..errors import DataError
from . import recipe
from .dataset import SPLITS, UNLABELLED, Dataset, find_split

FILE_NAME = "fer2013new.csv"

# The columns of the file, as FER+ calls them. The first eight are expressions.
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
    """The votes for the images of one data set, in its order."""

    counts: np.ndarray  # (N, 10) uint8, columns as in COLUMNS

    def distribution(self) -> np.ndarray:
        """(N, C) float32 shares of the votes for the classes in `emotions.NAMES`; rows of zeros where nobody chose one of them.

        Votes for contempt, "unknown" and "not a face" are dropped, and so is a class that one voter alone chose where others
        got more: such single votes are mostly slips (Barsoum et al. drop them too).
        """
        known = self.for_classes()
        single = (known <= 1) & (known.max(axis=1, keepdims=True) > 1)
        known = np.where(single, 0, known).astype(np.float32)
        return known / np.maximum(known.sum(axis=1, keepdims=True), 1)

    def majority(self) -> np.ndarray:
        """(N,) int8 positions in `emotions.NAMES`; UNLABELLED where the voters agreed on none of them.

        The protocol of Barsoum et al.: classes with a single vote are dropped; what is left must give one class more than
        half of the votes. So a tie has no label, and neither has an image whose majority is contempt, "unknown" or "not a face".
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
        """Those of `indices` on which the voters agree, and their `majority`, both (n,) int64."""
        majority = self.majority()[indices].astype(np.int64)
        clear = majority != UNLABELLED
        return indices[clear], majority[clear]

    def not_a_face(self) -> np.ndarray:
        """(N,) bool: at least half of the voters saw no face."""
        return 2 * self.counts[:, COLUMNS.index("NF")].astype(int) >= np.maximum(1, self.counts.sum(axis=1))

    def for_classes(self) -> np.ndarray:
        """(N, C) uint8 votes for the classes in `emotions.NAMES`."""
        return self.counts[:, [COLUMNS.index(_COLUMN_OF_NAME[name]) for name in NAMES]]


def find_votes(source: str) -> Path | None:
    """The votes file beside the data file `source`, or in the folder `source`, if there is one."""
    path = Path(source).expanduser()
    if path.name.endswith(recipe.SUFFIX) and path.is_file():  # a variant has the votes of its original
        return find_votes(recipe.read_recipe(path).source)
    candidate = (path if path.is_dir() else path.parent) / FILE_NAME
    return candidate if path.exists() and candidate.is_file() else None


def read_votes(path: str | Path, dataset: Dataset) -> Votes:
    """The votes in the file `path` for the images of `dataset`, joined by row.

    Raises:
        DataError: it is no FER+ file, or it belongs to other images: another number of rows, or other splits.
    """
    import pandas as pd

    wanted = f"expected the {FILE_NAME} of FER+ with the columns Usage, {', '.join(COLUMNS)}"
    try:
        table = pd.read_csv(path, compression=None)
    except OSError as error:
        raise DataError(f"The votes {path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, pd.errors.ParserError):  # UnicodeDecodeError is a ValueError
        raise DataError(f"{path} is no table of votes: {wanted}.") from None
    if missing := [column for column in ("Usage", *COLUMNS) if column not in table]:
        raise DataError(f"{path} has no column {missing[0]}: {wanted}.")
    try:
        values = table[list(COLUMNS)].to_numpy(np.float64)
    except ValueError:
        values = np.array([[np.nan]])
    if not (np.all(values >= 0) and np.all(values <= 255) and np.all(values == np.round(values))):
        raise DataError(f"{path} holds votes that are no whole numbers from 0 to 255: {wanted}.")
    complete = len(table) == len(dataset) or (dataset.variant_of is not None and len(dataset) < len(table))
    if not complete or np.any(dataset.rows >= len(table)) or len(np.unique(dataset.rows)) != len(dataset):
        raise DataError(
            f"{path} has votes for {len(table):,} images, but {dataset.source} has {len(dataset):,}: votes are joined by row."
        )
    splits = [find_split(str(usage)) for usage in table["Usage"]]
    there = np.array([SPLITS.index(split) if split else -1 for split in splits])[dataset.rows]
    if not np.array_equal(there, dataset.splits):
        raise DataError(
            f"{path} orders its splits otherwise than {dataset.source}: votes are joined by row, so the data must be FER2013's "
            "CSV, or a form of it that keeps the order."
        )
    return Votes(values.astype(np.uint8)[dataset.rows])
