"""Reader of FER2013-style CSV files: a label, 2,304 pixel values in one cell, a split.

The usual way (pandas, then `split` and `np.array` on each row) takes most of a minute; here Arrow finds the
cells, and the digits of many rows become numbers in a few vector operations.
"""

from __future__ import annotations

import csv
import io
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from ...errors import DataError, reason
from ..budget import Budget
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples, image_digests, join_samples
from ..labels import LabelReader
from ..problems import Problems
from . import columns
from .file_tree import FileTree, split_of

PIXELS = IMAGE_SIZE * IMAGE_SIZE
_BLOCK_BYTES = 2 << 20  # larger blocks make Arrow wait for fresh memory
_AHEAD = 8  # blocks whose digits are being read in the background
_CHUNK_ROWS = 64  # of about 8 kB
_MAX_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class Header:
    """First line of a table and the columns found in it."""

    names: tuple[str, ...]
    by_role: dict[str, str]  # role ("label", "pixels", "split") -> name
    delimiter: str

    @property
    def is_faces(self) -> bool:
        return "pixels" in self.by_role


def read_header(head: bytes) -> Header:
    """Parse the first line of a file; `head` is its first bytes."""
    first, _, rest = head.decode("utf-8-sig", errors="replace").partition("\n")
    delimiter = max(",;\t", key=first.count)
    names = _cells_of(first, delimiter)
    roles = columns.find(names)
    pixels = roles.get("pixels")
    # Any table may have a column called image or x; it contains pixels if its cell is a list of numbers.
    if pixels is not None and not pixels.strip().lower().startswith("pixel"):
        cells = _cells_of(rest.partition("\n")[0], delimiter)
        cell = cells[names.index(pixels)] if len(cells) == len(names) else ""
        if not re.match(r"\s*+\[?\s*+\d++[\s,]++\d", cell):
            del roles["pixels"]
    return Header(tuple(names), roles, delimiter)


def _cells_of(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])
    except csv.Error:  # a lone carriage return, or a cell of more than 128 kB
        return []


def recognises(head: bytes) -> bool:
    """Return whether a file is a table with pixels, not a README, a list or the FER+ votes."""
    return is_text(head) and read_header(head).is_faces


def is_text(head: bytes) -> bool:
    return b"\0" not in head and bool(head.strip())


def missing_pixels(name: str, head: bytes) -> DataError | None:
    """Return an error that explains why a table cannot be opened, or None where `head` begins no table."""
    header = read_header(head)
    if not is_text(head) or len(header.names) < 2:
        return None
    if {"image name", "contempt", "nf"} <= {column.strip().lower() for column in header.names}:
        return DataError(f"{name} holds the FER+ votes, which come without images: open fer2013.csv instead.")
    lower = [column.strip().lower() for column in header.names]
    if any(name in columns.PICTURE_PATHS for name in lower) and "label" in header.by_role:
        return DataError(
            f"{name} is a list of pictures with their labels: open the folder, zip or tar that has the list "
            "and the pictures."
        )
    got = ", ".join(column.strip()[:20] for column in header.names[:6])
    return DataError(
        f"{name} has no pixels column: expected a header such as emotion,pixels,Usage, got {got}."
    )


def read_tables(tree: FileTree, paths: list[str]) -> Samples:
    """Read the table with labels and splits, else all: a labelled one for train, another for test."""
    headers = {}
    for path in paths:
        with tree.open(path) as file:
            headers[path] = read_header(file.read(_MAX_HEADER_BYTES))
    complete = [path for path in paths if {"label", "split"} <= headers[path].by_role.keys()]
    selected = complete[:1] or paths
    parts = []
    for path in selected:
        labelled = "label" in headers[path].by_role
        split = split_of(path, "train" if labelled else "test") if len(paths) > 1 or not labelled else "train"
        with tree.open(path) as file:
            parts.append(
                read(
                    tree.full_name(path) if len(paths) > 1 else tree.name,
                    file,
                    split,
                    tree.budget,
                    tree.labels,
                )
            )
    samples = join_samples(parts)
    if ignored := [path for path in paths if path not in selected]:
        note = f"{', '.join(ignored)} ignored: {selected[0]} has its own labels and splits."
        samples = replace(samples, warnings=(*samples.warnings, note))
    return samples


def read(
    name: str,
    file: BinaryIO,
    default_split: str = "train",
    budget: Budget | None = None,
    label_reader: LabelReader | None = None,
) -> Samples:
    """Read a table with a column of blank-separated pixels, and columns of labels and splits if it has them.

    Args:
        name: Name of the file in error messages.
        file: Seekable binary file, at its start.
        default_split: Split of all rows of a table without a split column.
        budget: What the table may take at most.
        label_reader: Gives the labels their meaning.

    Raises:
        DataError: The table cannot be parsed, or has more than a few bad rows.
    """
    header = read_header(file.read(_MAX_HEADER_BYTES))
    file.seek(0)
    if budget is not None:
        size, rows = measure(file)
        budget.take_bytes(name, size)
        budget.take_faces(name, rows)
        file.seek(0)
    problems = Problems(name)
    passed_over: list[int] = []  # numbers of the lines that Arrow skips, ascending
    blank: list[int] = []  # numbers of the empty lines, which are not rows

    def on_ragged_row(row: pacsv.InvalidRow) -> str:
        passed_over.append(row.number)
        if row.text.strip():
            problems.add(
                f"line {row.number} has {row.actual_columns} columns instead of {row.expected_columns}."
            )
        else:
            blank.append(row.number)
        return "skip" if len(passed_over) < 100_000 else "error"

    column_indices = {role: header.names.index(column) for role, column in header.by_role.items()}
    names = [f"c{i}" for i in range(len(header.names))]
    # Room for the most whole images that the file can contain; the system allocates only what is written.
    room = 1 + file.seek(0, io.SEEK_END) // (2 * PIXELS - 1)
    file.seek(0)
    images = np.empty((room, PIXELS), np.uint8)
    parts: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    splits: list[np.ndarray] = []
    lines: list[np.ndarray] = []
    digests: list[np.ndarray] = []
    good: list[np.ndarray] = []
    cells = _Cells(default_split, label_reader or LabelReader())
    done = 0
    try:
        reader = pacsv.open_csv(
            _readable(file),
            read_options=pacsv.ReadOptions(
                block_size=_BLOCK_BYTES, column_names=names, skip_rows=1, use_threads=False
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=header.delimiter, ignore_empty_lines=False, invalid_row_handler=on_ragged_row
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={n: pa.binary() for n in names},
                include_columns=[names[i] for i in column_indices.values()],
                strings_can_be_null=False,
            ),
        )
        for block in _blocks(reader, list(column_indices), images):
            count = block.rows.stop - block.rows.start
            label, label_faults = cells.labels(block.columns.get("label"), count)
            split, split_faults = cells.splits(block.columns.get("split"), count)
            digest, faults = block.pixels.result()
            line = _line_numbers(block.rows, passed_over)
            for i, fault in sorted((split_faults | label_faults | faults).items()):
                if any(cells_of[i].as_py().strip() for cells_of in block.columns.values()):
                    problems.add_fault(f"line {line[i]}", fault)
                else:
                    blank.append(int(line[i]))
            good.append(~np.isin(np.arange(count), [*split_faults, *label_faults, *faults]))
            for column, part in (
                (parts, block.images),
                (labels, label),
                (splits, split),
                (lines, line),
                (digests, digest),
            ):
                column.append(part)
            done = block.rows.stop
    except pa.ArrowException as error:
        raise DataError(f"{name} cannot be read as CSV: {reason(error)}.") from None
    if not done:
        problems.conclude(0)
        raise DataError(f"{name} has a header but no rows: is the file complete?")
    keep = np.concatenate(good)
    all_lines = np.concatenate(lines)[keep]
    pixels = images[:done] if done <= room else np.concatenate(parts)
    pixels = pixels if keep.all() else pixels[keep]
    return Samples(
        images=pixels.reshape(-1, IMAGE_SIZE, IMAGE_SIZE),
        labels=np.concatenate(labels)[keep],
        splits=np.concatenate(splits)[keep],
        rows=all_lines - 2 - np.searchsorted(sorted(blank), all_lines),
        format="csv",
        warnings=problems.conclude(int(keep.sum())),
        digests=np.concatenate(digests)[keep],
        other_classes=dict(problems.other_classes),
    )


def measure(file: BinaryIO) -> tuple[int, int]:
    """Return the bytes of a table, and its lines after the header."""
    size = lines = 0
    last = b"\n"
    while chunk := file.read(_BLOCK_BYTES):
        size, lines, last = size + len(chunk), lines + chunk.count(b"\n"), chunk[-1:]
    return size, max(0, lines + (last != b"\n") - 1)


def _readable(file: BinaryIO) -> pa.NativeFile | BinaryIO:
    """Return `file` in a form for Arrow: plain ASCII without Python in between, else through `_Ascii`."""
    plain = isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO)
    if plain and all(chunk.isascii() for chunk in iter(lambda: file.read(_BLOCK_BYTES), b"")):
        return pa.memory_map(file.name)
    file.seek(0)
    return _Ascii(file)  # type: ignore[return-value]


class _Ascii(io.BufferedIOBase):
    """File with "?" in place of every byte that is not ASCII, since Arrow rejects rows that are not UTF-8."""

    _TABLE = bytes(range(128)) + b"?" * 128

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        data = self._file.read(-1 if size is None else size)
        return data if data.isascii() else data.translate(self._TABLE)


@dataclass(frozen=True)
class _Block:
    """Rows of the table, whose pixels another thread is reading."""

    rows: slice
    columns: dict[str, pa.Array]  # by role
    images: np.ndarray  # (n, PIXELS) uint8, complete once `pixels` has its result
    pixels: Future[tuple[np.ndarray, dict[int, str]]]  # digests, faults by row


def _blocks(reader: Iterable[pa.RecordBatch], roles: list[str], images: np.ndarray) -> Iterator[_Block]:
    """Yield the blocks of a table in order.

    Threads write the pixels to `images` while Arrow finds the next cells.
    """
    waiting: deque[_Block] = deque()
    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in reader:
            rows = slice(done, done + batch.num_rows)
            done = rows.stop
            by_role = dict(zip(roles, batch.columns, strict=True))
            # Rows with too few pixels can outnumber the room.
            place = images[rows] if done <= len(images) else np.empty((batch.num_rows, PIXELS), np.uint8)
            waiting.append(_Block(rows, by_role, place, pool.submit(_read_pixels, by_role["pixels"], place)))
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
        yield from waiting


def _line_numbers(rows: slice, skipped: list[int]) -> np.ndarray:
    """Return the line numbers in the file of some of the rows that were read; the header is line 1."""
    lines = np.arange(rows.start, rows.stop, dtype=np.int64) + 2
    # A line is moved by each skipped one that comes before it.
    return lines + np.searchsorted(np.array(skipped, np.int64) - np.arange(len(skipped)), lines, side="right")


class _Cells:
    """Converter of label and split cells to positions, which converts each distinct text once."""

    def __init__(self, default_split: str, label_reader: LabelReader) -> None:
        self._label_reader = label_reader
        self._default = SPLITS.index(default_split)
        self._labels: dict[bytes, int | DataError] = {}
        self._splits: dict[bytes, int | DataError] = {}

    def labels(self, cells: pa.Array | None, count: int) -> tuple[np.ndarray, dict[int, DataError | str]]:
        """Return (count,) int8 positions, and the faults by row."""
        if cells is None:
            return np.full(count, UNLABELLED, np.int8), {}
        return _look_up(cells, self._labels, self._label_reader.position)

    def splits(self, cells: pa.Array | None, count: int) -> tuple[np.ndarray, dict[int, DataError | str]]:
        if cells is None:
            return np.full(count, self._default, np.int8), {}
        return _look_up(cells, self._splits, lambda text: SPLITS.index(columns.split_name(text)))


def _look_up(
    cells: pa.Array, values: dict[bytes, int | DataError], meaning: Callable[[str], int]
) -> tuple[np.ndarray, dict[int, DataError | str]]:
    positions = np.zeros(len(cells), np.int8)
    faults: dict[int, DataError | str] = {}
    for i, text in enumerate(cells.to_pylist()):
        if text not in values:
            try:
                values[text] = meaning(text.decode("utf-8", errors="replace").strip())
            except DataError as error:
                values[text] = error
        value = values[text]
        if isinstance(value, DataError):
            faults[i] = value
        else:
            positions[i] = value
    return positions, faults


def _read_pixels(cells: pa.Array, images: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """Read cells of blank-separated numbers into `images` (n, PIXELS) uint8.

    Returns:
        The digests of the images, and the faults by row.
    """
    count = len(cells)
    _, offsets_buffer, data_buffer = cells.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[cells.offset : cells.offset + count + 1].astype(
        np.int64
    )
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    faults: dict[int, str] = {}
    for first in range(0, count, _CHUNK_ROWS):
        last = min(first + _CHUNK_ROWS, count)
        edges = offsets[first : last + 1]
        if _parse_clean(data[edges[0] : edges[-1]], edges - edges[0], images[first:last]):
            continue
        # One of these rows is irregular: check each.
        for i in range(first, last):
            values, fault = _parse_row(data[offsets[i] : offsets[i + 1]].tobytes())
            if fault:
                faults[i] = fault
            else:
                images[i] = values
    return image_digests(images), faults


def _parse_row(text: bytes) -> tuple[list[int], str | None]:
    """Return the pixel values of one row, or what is wrong with it; [1, 2, 3] is read as 1 2 3."""
    words = text.translate(_LIST_MARKS).split()
    if len(words) != PIXELS:
        return [], f"expected {PIXELS} pixel values (48x48), got {len(words)}."
    wrong = next((w for w in words if not (w.isdigit() and len(w) < 10 and int(w) < 256)), None)
    if wrong is not None:
        return [], f"expected pixel values from 0 to 255, got {wrong.decode(errors='replace')[:20]!r}."
    return [int(w) for w in words], None


_LIST_MARKS = bytes.maketrans(b"[],", b"   ")
_scratch = threading.local()


def _scratch_arrays(size: int) -> np.ndarray:
    """Return (8, size) uint8 of this thread.

    They are reused, since new memory costs more than the arithmetic in it.
    """
    arrays = getattr(_scratch, "arrays", None)
    if arrays is None or arrays.shape[1] < size:
        arrays = _scratch.arrays = np.empty((8, size + size // 4), np.uint8)
    return arrays[:, :size]


def _parse_clean(text: np.ndarray, edges: np.ndarray, out: np.ndarray) -> bool:
    """Read the numbers of several rows at once if all of them are regular.

    Args:
        text: (B,) uint8 ASCII, the rows one after another without separators.
        edges: (R + 1,) starts of the rows and the end of the last.
        out: (R, PIXELS) uint8 to write to.

    Returns:
        False if a row is not exactly PIXELS numbers from 0 to 255 with single blanks between them; `out` is
        then undefined.
    """
    n = len(text)
    if n < PIXELS or np.any(np.diff(edges) == 0):
        return False
    digit, is_digit, joined, twice, value, hundreds, spare, flags = _scratch_arrays(n + 1)
    is_digit, joined, twice, flags = (array.view(bool) for array in (is_digit, joined, twice, flags))
    np.subtract(text, 48, out=digit[:n])  # other characters wrap to 10 and more
    np.less(digit[:n], 10, out=is_digit[:n])
    # joined[i]: the bytes i - 1 and i are digits of one number; a row's first byte joins nothing before it.
    np.logical_and(is_digit[1:n], is_digit[: n - 1], out=joined[1:n])
    joined[edges] = False
    np.logical_and(joined[2:n], joined[1 : n - 1], out=twice[2:n])  # and the byte i - 2 as well
    value[0] = digit[0]
    np.multiply(digit[: n - 1], joined[1:n].view(np.uint8), out=value[1:n])
    np.multiply(value[1:n], 10, out=value[1:n])
    np.add(value[1:n], digit[1:n], out=value[1:n])  # the last two digits
    np.multiply(digit[: n - 2], twice[2:n].view(np.uint8), out=hundreds[2:n])
    if hundreds[2:n].max() > 2 or np.logical_and(twice[3:n], twice[2 : n - 1], out=flags[3:n]).any():
        return False  # 300 and more, or four digits
    np.multiply(hundreds[2:n], 100, out=hundreds[2:n])
    np.invert(hundreds[2:n], out=spare[2:n])  # 255 - h: what the last two digits may be at most
    if np.greater(value[2:n], spare[2:n], out=flags[2:n]).any():
        return False
    np.add(value[2:n], hundreds[2:n], out=value[2:n])
    if np.count_nonzero(is_digit[:n]) + np.count_nonzero(np.equal(text, 32, out=flags[:n])) != n:
        return False
    np.greater(is_digit[:n], joined[1 : n + 1], out=flags[:n])  # the last digit of each number
    if any(np.count_nonzero(flags[a:b]) != PIXELS for a, b in pairwise(edges)):
        return False
    # mode="clip" writes without a buffer.
    np.take(value[:n], np.flatnonzero(flags[:n]), out=out.reshape(-1), mode="clip")
    return True
