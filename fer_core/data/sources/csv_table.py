"""FER2013-style CSV files: a label, 2,304 pixel values in one cell, a split.

Reading the file in the usual way (pandas, then `split` and `np.array` on each row) takes most of a minute; here Arrow finds
the cells, and the digits of many rows become numbers in a few vector operations.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from ...errors import DataError
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples
from ..problems import Problems
from . import columns

PIXELS = IMAGE_SIZE * IMAGE_SIZE
_BLOCK_BYTES = 16 << 20
_CHUNK_ROWS = 64  # of about 8 kB: the temporary arrays stay in the processor's cache
_MAX_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class Header:
    """The first line of a table, and where its columns stand."""

    names: tuple[str, ...]
    found: dict[str, str]  # role ("label", "pixels", "split") -> name
    delimiter: str
    line: bytes

    @property
    def is_faces(self) -> bool:
        return "pixels" in self.found


def read_header(head: bytes) -> Header:
    """Parse the first line of a file; `head` is its first bytes."""
    line = head.split(b"\n", 1)[0]
    text = line.decode("utf-8-sig", errors="replace").rstrip("\r")
    delimiter = max(",;\t", key=text.count)
    names = tuple(next(csv.reader([text], delimiter=delimiter), []))
    return Header(names, columns.find(list(names)), delimiter, line)


def looks_like_fer_plus(header: Header) -> bool:
    """Whether it is the table of FER+ votes, which holds no images."""
    names = {name.strip().lower() for name in header.names}
    return {"image name", "contempt", "nf"} <= names


def read(name: str, file: BinaryIO, default_split: str = "train") -> Samples:
    """Read a table with a column of blank-separated pixels, and columns of labels and splits where it has them.

    Args:
        name: how errors call the file.
        file: opened for reading bytes, at its start, seekable.
        default_split: the split of all rows of a table without a split column.

    Raises:
        DataError: no such table, or more than a few bad rows.
    """
    header = read_header(file.read(_MAX_HEADER_BYTES))
    file.seek(0)
    if not header.is_faces:
        got = ", ".join(n.strip() for n in header.names[:6]) or "an empty line"
        raise DataError(f"{name} has no pixels column: expected a header such as emotion,pixels,Usage, got {got}.")
    problems = Problems(name)
    skipped: list[int] = []  # line numbers that Arrow passed over

    def on_ragged_row(row: pacsv.InvalidRow) -> str:
        line = row.number or 0
        skipped.append(line)
        problems.add(f"line {line} has {row.actual_columns} columns instead of {row.expected_columns}.")
        return "skip" if len(skipped) < 100_000 else "error"

    wanted = {role: header.names.index(column) for role, column in header.found.items()}
    names = [f"c{i}" for i in range(len(header.names))]
    images, labels, splits, rows = [], [], [], []
    cells = _Cells(default_split)
    done = 0
    try:
        reader = pacsv.open_csv(
            file,
            read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES, column_names=names, skip_rows=1, use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=header.delimiter, invalid_row_handler=on_ragged_row),
            convert_options=pacsv.ConvertOptions(
                column_types={n: pa.binary() for n in names}, include_columns=[names[i] for i in wanted.values()], strings_can_be_null=False
            ),
        )
        for batch in reader:
            by_role = {role: batch.column(i) for i, role in enumerate(wanted)}
            pixels, faults = _pixel_batch(by_role["pixels"])
            label, label_faults = cells.labels(by_role.get("label"), batch.num_rows)
            split, split_faults = cells.splits(by_role.get("split"), batch.num_rows)
            lines = _line_numbers(done, batch.num_rows, skipped)
            good = np.ones(batch.num_rows, bool)
            for i, fault in sorted((split_faults | label_faults | faults).items()):
                good[i] = False
                problems.add(f"line {lines[i]}: {fault}")
            images.append(pixels if good.all() else pixels[good])
            labels.append(label[good])
            splits.append(split[good])
            rows.append(lines[good] - 2)
            done += batch.num_rows
    except pa.ArrowException as error:
        raise DataError(f"{name} cannot be read as CSV: {str(error).splitlines()[0]}.") from None
    return Samples(
        images=np.concatenate(images) if images else np.empty((0, IMAGE_SIZE, IMAGE_SIZE), np.uint8),
        labels=np.concatenate(labels) if labels else np.empty(0, np.int8),
        splits=np.concatenate(splits) if splits else np.empty(0, np.int8),
        rows=np.concatenate(rows) if rows else np.empty(0, np.int64),
        format="csv",
        warnings=problems.conclude(sum(map(len, labels))),
    )


def _line_numbers(done: int, count: int, skipped: list[int]) -> np.ndarray:
    """(count,) line numbers in the file of the rows after the first `done` read ones; the header is line 1."""
    lines = np.arange(done, done + count, dtype=np.int64) + 2
    for line in skipped:  # ascending, as they were met
        lines[lines >= line] += 1
    return lines


class _Cells:
    """Turns the few different texts of label and split cells into positions, each text once."""

    def __init__(self, default_split: str) -> None:
        self._default = SPLITS.index(default_split)
        self._labels: dict[bytes, int | str] = {}
        self._splits: dict[bytes, int | str] = {}

    def labels(self, cells: pa.Array | None, count: int) -> tuple[np.ndarray, dict[int, str]]:
        """(count,) int8 positions, and the faults by row."""
        if cells is None:
            return np.full(count, UNLABELLED, np.int8), {}
        return _look_up(cells, self._labels, columns.label_position)

    def splits(self, cells: pa.Array | None, count: int) -> tuple[np.ndarray, dict[int, str]]:
        if cells is None:
            return np.full(count, self._default, np.int8), {}
        return _look_up(cells, self._splits, lambda text: SPLITS.index(columns.split_name(text)))


def _look_up(cells: pa.Array, known: dict[bytes, int | str], meaning: Callable[[str], int]) -> tuple[np.ndarray, dict[int, str]]:
    positions = np.zeros(len(cells), np.int8)
    faults: dict[int, str] = {}
    for i, text in enumerate(cells.to_pylist()):
        if text not in known:
            try:
                known[text] = meaning(text.decode("utf-8", errors="replace").strip())
            except DataError as error:
                known[text] = str(error)
        value = known[text]
        if isinstance(value, str):
            faults[i] = value
        else:
            positions[i] = value
    return positions, faults


def _pixel_batch(cells: pa.Array) -> tuple[np.ndarray, dict[int, str]]:
    """(n, 48, 48) uint8 from cells of blank-separated numbers, and the faults by row (whose image is left black)."""
    count = len(cells)
    _, offsets_buffer, data_buffer = cells.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[cells.offset : cells.offset + count + 1].astype(np.int64)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    images = np.zeros((count, PIXELS), np.uint8)
    faults: dict[int, str] = {}
    for first in range(0, count, _CHUNK_ROWS):
        last = min(first + _CHUNK_ROWS, count)
        edges = offsets[first : last + 1]
        values, counts, wrong = _parse_numbers(data[edges[0] : edges[-1]], edges - edges[0])
        good = (counts == PIXELS) & ~wrong
        if good.all():
            images[first:last] = values.reshape(-1, PIXELS)
            continue
        ends = np.cumsum(counts)
        for i in range(last - first):
            if good[i]:
                images[first + i] = values[ends[i] - PIXELS : ends[i]]
            elif wrong[i]:
                faults[first + i] = "expected whole numbers from 0 to 255 with blanks between them."
            else:
                faults[first + i] = f"expected {PIXELS} pixel values (48x48), got {counts[i]}."
    return images.reshape(count, IMAGE_SIZE, IMAGE_SIZE), faults


def _parse_numbers(text: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers 0 to 255 in rows of text.

    Args:
        text: (B,) uint8 ASCII, the rows one after another without anything between them.
        edges: (R + 1,) starts of the rows and the end of the last.

    Returns:
        all numbers (K,) uint8; how many stand in each row (R,); which rows hold anything else than such numbers (R,) bool.
    """
    rows = len(edges) - 1
    size = len(text)
    counts = np.zeros(rows, np.int64)
    wrong = np.zeros(rows, bool)
    if not size:
        return np.empty(0, np.uint8), counts, wrong
    digit = text - np.uint8(48)  # other characters wrap to 10 and more
    is_digit = digit < 10
    # joined[i]: the bytes i - 1 and i are digits of one number; a row's first byte joins nothing before it.
    joined = np.zeros(size + 1, bool)
    np.logical_and(is_digit[1:], is_digit[:-1], out=joined[1:size])
    starts = edges[:-1]
    joined[starts[starts < size]] = False
    joined_twice = joined[1:size] & joined[: size - 1]  # at i - 1: the bytes i - 2, i - 1 and i belong together
    value = digit.copy()
    value[1:] += digit[:-1] * np.uint8(10) * joined[1:size]
    hundreds = digit[:-2] * joined_twice[1:]
    value[2:] += hundreds * np.uint8(100)
    # Values above 255 wrap round: those of 200 to 255 have kept a value of at least 200.
    odd = np.zeros(size, bool)
    odd[2:] = (hundreds > 2) | ((hundreds == 2) & (value[2:] < 200))
    odd[3:] |= joined_twice[2:] & joined_twice[1:-1]  # four digits and more
    odd |= ~is_digit & (text != 32)
    is_last = is_digit & ~joined[1:]
    filled = np.flatnonzero(np.diff(edges) > 0)
    counts[filled] = np.add.reduceat(is_last, starts[filled], dtype=np.int64)
    if odd.any():
        wrong[filled] = np.logical_or.reduceat(odd, starts[filled])
    return value[is_last], counts, wrong
