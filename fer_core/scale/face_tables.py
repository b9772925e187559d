"""Range access to rows of Parquet tables of faces, with one pass and the memory of the range."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..data.budget import Budget
from ..data.dataset import IMAGE_SIZE
from ..data.labels import LabelReader
from ..data.readers import parquet
from ..data.readers.face_picture import read_face
from ..emotions import NAMES
from ..errors import DataError, FerError, reason

_BATCH = 1024
_BUFFER = 1 << 20  # bytes per read; row groups of a million faces would take gigabytes otherwise

# Encoded image, cell of its label, table.
Row = tuple[bytes | None, object, parquet.FaceTable]


class FaceTables:
    """Several files as one table. Successive parts of a worker continue reading where the last part ended.

    Raises:
        DataError: From `take`: a file is damaged, or its number of rows has changed.
    """

    def __init__(self, files: tuple[tuple[str, int], ...]) -> None:
        self._files = files
        self._budget = Budget(2**62)  # a job reads any number of faces
        self._starts = [0, *accumulate(rows for _, rows in files)]
        self._at = -1  # the row that `_ahead` yields next
        self._ahead: Iterator[Row] = iter(())

    def take(self, start: int, stop: int) -> tuple[np.ndarray, list[int | None], dict[int, str]]:
        """Read the rows `start` to `stop`.

        Returns:
            Images (n, 48, 48) uint8 of the readable rows; all labels as positions in NAMES or None; the
            reasons why the others cannot be read, by position in the range.
        """
        images, truth, errors = [], [], {}
        for position, (blob, label, table) in enumerate(self._rows(start, stop)):
            image = read_face(blob, "the image", self._budget)
            if isinstance(image, FerError):
                errors[position] = f"row {start + position + 1}: {image}"
            else:
                images.append(image)
            truth.append(_label(label, table))
        return (
            (np.stack(images) if images else np.empty((0, IMAGE_SIZE, IMAGE_SIZE), np.uint8)),
            truth,
            errors,
        )

    def _rows(self, start: int, stop: int) -> Iterator[Row]:
        row_group = self._row_group_start(start)
        # If the row group is already open, skipping rows costs no more than beginning it again.
        if not row_group <= self._at <= start:
            self._ahead, self._at = self._from(row_group), row_group
        while self._at < stop:
            try:
                row = next(self._ahead)
            except StopIteration:
                raise DataError(
                    f"{self._files[self._file_of(self._at)][0]} has fewer rows than it had when the job "
                    "began."
                ) from None
            self._at += 1
            if self._at > start:
                yield row

    def _file_of(self, row: int) -> int:
        return bisect_right(self._starts, row, hi=len(self._files)) - 1

    def _row_group_start(self, row: int) -> int:
        file = self._file_of(row)
        path = self._files[file][0]
        firsts = _row_groups(parquet.open_table(path, path).file)
        return self._starts[file] + firsts[bisect_right(firsts, row - self._starts[file]) - 1]

    def _from(self, row: int) -> Iterator[Row]:
        """Yield all rows from the start of a row group to the end of the last file."""
        for file in range(self._file_of(row), len(self._files)):
            path, expected = self._files[file]
            table = parquet.open_table(path, path, _BUFFER)
            if (rows := table.file.metadata.num_rows) != expected:
                raise DataError(f"{path} has {rows:,} rows, and had {expected:,} when the job began.")
            groups = [
                i for i, first in enumerate(_row_groups(table.file)) if self._starts[file] + first >= row
            ]
            column_names = [column for column in (table.image, table.label) if column]
            try:
                for batch in parquet.batches(table, column_names, _BATCH, groups):
                    yield from (
                        (blob, label, table) for blob, label in zip(*parquet.cells(batch, table), strict=True)
                    )
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{path} is damaged ({reason(error)}): get the file again.") from None


def _row_groups(file: pq.ParquetFile) -> list[int]:
    """Return the first row of each row group."""
    metadata = file.metadata
    return list(
        accumulate((metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)), initial=0)
    )[:-1]


def _label(cell: object, table: parquet.FaceTable) -> int | None:
    if table.label is None:
        return None
    try:
        position = LabelReader().position(cell, table.class_names)
    except FerError:  # the label is wrong, but the face can be scored
        return None
    return position if 0 <= position < len(NAMES) else None
