"""Reader of CSV files with one column a pixel: label, pixel0, pixel1 ... pixel2303."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from ...errors import DataError, FerError, reason
from ..budget import Budget
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples
from ..labels import LabelReader
from ..problems import Problems
from . import columns
from .csv_table import PIXELS, is_text, measure, read_header

_BLOCK_BYTES = 8 << 20
_HEADER_BYTES = 1 << 16


def recognises(head: bytes) -> bool:
    """Return whether a file is a table with a header and as many columns as an image has pixels."""
    names = read_header(head).names
    return is_text(head) and len(names) >= PIXELS and _pixel_names(names) is not None


def _pixel_names(names: tuple[str, ...]) -> list[str] | None:
    """Return the names of the columns of pixels: all that have a number at their end."""
    pixels = [name for name in names if name.strip()[-1:].isdigit()]
    # A first line of nothing but numbers is not a header.
    named = any(not name.strip().isdigit() for name in names)
    return pixels if len(pixels) == PIXELS and named and len(set(names)) == len(names) else None


def read(
    name: str,
    file: BinaryIO,
    split: str = "train",
    budget: Budget | None = None,
    label_reader: LabelReader | None = None,
) -> Samples:
    """Read a table whose columns that end in a number are the 2,304 pixels, row by row of the image.

    Args:
        name: Name of the file in error messages.
        file: Seekable binary file, at its start.
        split: Split of all rows of a table without a split column.
        budget: What the table may take at most.
        label_reader: Gives the labels their meaning.

    Raises:
        DataError: The table cannot be parsed, a pixel is not a number from 0 to 255, or too many labels mean
            no class.
    """
    budget, label_reader = budget or Budget(), label_reader or LabelReader()
    header = read_header(file.read(_HEADER_BYTES))
    pixels = _pixel_names(header.names)
    if pixels is None:
        raise DataError(f"{name} has no {PIXELS:,} columns of pixels: expected label,pixel0 ... pixel2303.")
    roles = columns.find([column for column in header.names if column not in pixels])
    file.seek(0)
    size, rows = measure(file)
    budget.take_bytes(name, size)
    budget.take_faces(name, rows)
    file.seek(0)
    texts = [roles[role] for role in ("label", "split") if role in roles]
    names = [f"c{i}" for i in range(len(header.names))]
    chosen = [names[header.names.index(column)] for column in (*pixels, *texts)]
    problems = Problems(name)
    parts: list[np.ndarray] = []
    labels: list[int] = []
    splits: list[int] = []
    kept: list[int] = []
    row = 0
    try:
        reader = pacsv.open_csv(
            file,
            read_options=pacsv.ReadOptions(
                block_size=_BLOCK_BYTES, column_names=names, skip_rows=1, use_threads=False
            ),
            parse_options=pacsv.ParseOptions(delimiter=header.delimiter),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(chosen[:PIXELS], pa.uint8())
                | dict.fromkeys(chosen[PIXELS:], pa.string()),
                include_columns=chosen,
            ),
        )
        for batch in reader:
            values = np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns[:PIXELS]], 1)
            if values.dtype != np.uint8:
                raise ValueError("a pixel is missing")
            cells = dict(zip(texts, (column.to_pylist() for column in batch.columns[PIXELS:]), strict=True))
            good = []
            for i in range(len(values)):
                try:
                    label = (
                        label_reader.position(cells[roles["label"]][i]) if "label" in roles else UNLABELLED
                    )
                    use = columns.split_name(cells[roles["split"]][i]) if "split" in roles else split
                except FerError as error:
                    problems.add_fault(f"row {row + i + 1}", error)
                    continue
                good.append(i)
                labels.append(label)
                splits.append(SPLITS.index(use))
            parts.append(values[good].reshape(-1, IMAGE_SIZE, IMAGE_SIZE))
            kept += [row + i for i in good]
            row += len(values)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(
            f"{name} cannot be read as a table with a column for each pixel: {reason(error)}."
        ) from None
    warnings = problems.conclude(len(kept))
    return Samples(
        images=np.concatenate(parts) if parts else np.empty((0, IMAGE_SIZE, IMAGE_SIZE), np.uint8),
        labels=np.array(labels, np.int8),
        splits=np.array(splits, np.int8),
        rows=np.array(kept, np.int64),
        format="csv",
        warnings=warnings,
        other_classes=dict(problems.other_classes),
    )
