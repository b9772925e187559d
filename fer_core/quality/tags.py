"""Tags on faces, such as "glasses" or "blurred": short texts of the user's own.

They are stored in SQLite. A tag belongs to the content of an image (its digest), so it applies to every form
of the data and to cleaned variants, as a verdict does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from .. import storage
from ..data.dataset import Dataset
from ..database import connect
from ..errors import DataError
from .image_records import ImageRecords

FILE_NAME = "tags.sqlite"
MAX_LENGTH = 40  # characters of a tag
MAX_TAGS = 50  # different ones of a data set; all of them are offered as filters
_SEPARATORS = ",;"  # between the tags of a face in lists and CSV files
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tags (
    fingerprint TEXT NOT NULL, tag TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (fingerprint, tag, digest)) WITHOUT ROWID;
"""


class Tags(ImageRecords):
    """Tags on the images of one data set. Variants share those of their original.

    Raises:
        DataError: From every method: the file is damaged or cannot be written.
    """

    def __init__(self, dataset: Dataset, path: Path | None = None) -> None:
        super().__init__(dataset, path or storage.record_folder() / FILE_NAME)

    def add(self, indices: Iterable[int], tag: str) -> None:
        """Add a tag to the images at `indices`; those that have it keep it.

        Args:
            indices: Positions in the data set.
            tag: 1 to 40 printable characters without commas and semicolons; blanks around it do not count.

        Raises:
            DataError: The tag is invalid, or the data set has 50 other tags.
        """
        tag = _checked(tag)
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            used = {
                name
                for (name,) in db.execute("SELECT DISTINCT tag FROM tags WHERE fingerprint = ?", self._key)
            }
            if len(used - {tag}) >= MAX_TAGS:
                raise DataError(f"A data set has at most {MAX_TAGS} different tags: remove one first.")
            db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", self._rows(indices, tag))

    def remove(self, indices: Iterable[int], tag: str) -> None:
        """Remove a tag from the images at `indices`; a tag without images is gone."""
        with self._open() as db:
            db.executemany(
                "DELETE FROM tags WHERE fingerprint = ? AND tag = ? AND digest = ?", self._rows(indices, tag)
            )

    def all(self) -> dict[int, tuple[str, ...]]:
        """Return the tags of each tagged image by position, in alphabetical order; copies share theirs."""
        if not self._path.exists():
            return {}
        with self._open() as db:
            rows = db.execute(
                "SELECT digest, tag FROM tags WHERE fingerprint = ? ORDER BY tag", self._key
            ).fetchall()
        tags: dict[int, tuple[str, ...]] = {}
        for digest, tag in rows:
            tags[int(digest, 16)] = (*tags.get(int(digest, 16), ()), tag)
        return self._by_position(tags)

    @property
    def _key(self) -> tuple[str]:
        return (self._fingerprint,)

    def _rows(self, indices: Iterable[int], tag: str) -> list[tuple[str, str, str]]:
        return [(self._fingerprint, tag, digest) for digest in self._digests(indices)]

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return connect(self._path, _SCHEMA, DataError, "tags", "move the file away")


def _checked(tag: str) -> str:
    tag = tag.strip()
    if not 0 < len(tag) <= MAX_LENGTH or not tag.isprintable() or set(tag) & set(_SEPARATORS):
        raise DataError(
            f"Expected a tag of 1 to {MAX_LENGTH} characters without commas and semicolons, got {tag[:80]!r}."
        )
    return tag
