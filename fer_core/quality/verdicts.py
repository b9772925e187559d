"""Human verdicts on single images: right, wrong (with the right label), ambiguous, not a face.

They are stored in SQLite with their time, and each can be undone. A verdict belongs to the content of an
image (its digest), so it applies to every form of the data and to cleaned variants.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import storage
from ..csv_cells import harmless
from ..data.dataset import SPLITS, Dataset
from ..data.recipe import Recipe
from ..database import connect
from ..emotions import NAMES
from ..errors import DataError
from .image_records import ImageRecords

VERDICTS = ("right", "wrong", "ambiguous", "not a face")
FILE_NAME = "verdicts.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS verdicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, digest TEXT NOT NULL, verdict TEXT NOT NULL, label TEXT, time REAL NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_data ON verdicts (fingerprint, digest);
"""


@dataclass(frozen=True)
class Verdict:
    """Current verdict on an image."""

    index: int  # position in the data set
    verdict: str
    label: str | None  # the right label, for "wrong"
    time: float  # s since 1970


class Verdicts(ImageRecords):
    """Verdicts on the images of one data set. Variants share those of their original.

    Raises:
        DataError: From every method: the file is damaged or cannot be written.
    """

    def __init__(self, dataset: Dataset, path: Path | None = None) -> None:
        super().__init__(dataset, path or storage.record_folder() / FILE_NAME)

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return connect(self._path, _SCHEMA, DataError, "verdicts", "move the file away")

    def give(self, indices: Sequence[int] | np.ndarray, verdict: str, label: str | None = None) -> int:
        """Give one verdict to the images at `indices`, as one step of `undo`.

        Returns:
            The number of verdicts.

        Raises:
            DataError: The verdict or the label is unknown, or "wrong" has no label or the one that the image
                already has.
        """
        if verdict not in VERDICTS:
            raise DataError(f"Unknown verdict {verdict!r}: expected one of {', '.join(VERDICTS)}.")
        if verdict == "wrong" and label not in NAMES:
            raise DataError(f"Which expression is it? Expected one of {', '.join(NAMES)}, got {label!r}.")
        label, now = label if verdict == "wrong" else None, time.time()
        digests = self._digests(indices)
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            (batch,) = db.execute("SELECT COALESCE(MAX(batch), 0) + 1 FROM verdicts").fetchone()
            rows = [(batch, self._fingerprint, digest, verdict, label, now) for digest in digests]
            db.executemany(
                "INSERT INTO verdicts (batch, fingerprint, digest, verdict, label, time) VALUES (?, ?, ?, "
                "?, ?, ?)",
                rows,
            )
        return len(digests)

    def undo(self) -> int:
        """Undo the last step, so that the verdicts before it apply again.

        Returns:
            The number of verdicts undone; 0 if there is nothing left to undo.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            (batch,) = db.execute(
                "SELECT MAX(batch) FROM verdicts WHERE fingerprint = ? AND NOT undone", (self._fingerprint,)
            ).fetchone()
            if batch is None:
                return 0
            return db.execute(
                "UPDATE verdicts SET undone = 1 WHERE batch = ? AND fingerprint = ?",
                (batch, self._fingerprint),
            ).rowcount

    def all(self) -> dict[int, Verdict]:
        """Return the current verdicts by position; copies of an image share theirs."""
        if not self._path.exists():
            return {}
        with self._open() as db:
            rows = db.execute(
                "SELECT digest, verdict, label, time FROM verdicts WHERE fingerprint = ? AND NOT undone "
                "ORDER BY id",
                (self._fingerprint,),
            ).fetchall()
        latest = {int(digest, 16): rest for digest, *rest in rows}
        return {i: Verdict(i, *rest) for i, rest in self._by_position(latest).items()}

    def as_csv(self) -> str:
        """Return the current verdicts as CSV: row, split, label, verdict, right label, time in UTC."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["row", "split", "label", "verdict", "should_be", "time"])
        names = [harmless(name) for name in (*self._dataset.label_names, "")]
        for i, v in sorted(self.all().items()):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(v.time))
            writer.writerow(
                [
                    int(self._dataset.rows[i]),
                    SPLITS[self._dataset.splits[i]],
                    names[self._dataset.labels[i]],
                    v.verdict,
                    harmless(v.label or ""),
                    stamp,
                ]
            )
        return out.getvalue()

    def recipe(self, splits: Sequence[str] = ("train",)) -> Recipe:
        """Return the cleaned variant: wrong labels are changed, ambiguous images and non-faces left out.

        Args:
            splits: Splits to clean; by default only train, so that the figures before and after are on the
                same validation and test images.
        """
        drop, relabel = {}, {}
        names = (*self._dataset.label_names, "")  # the last one for images without a label
        for i, v in self.all().items():
            if SPLITS[self._dataset.splits[i]] not in splits:
                continue
            row = int(self._dataset.rows[i])
            if v.verdict in ("ambiguous", "not a face"):
                drop[row] = v.verdict
            elif v.verdict == "wrong" and v.label and v.label != names[self._dataset.labels[i]]:
                relabel[row] = v.label  # a variant has the label already
        return Recipe(self._dataset.source, self._dataset.fingerprint, drop, relabel)
