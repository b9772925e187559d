"""Reader of Parquet tables with one encoded image per row, as on the Hugging Face hub."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import DataError, FerError, reason
from ..budget import Budget, TooLargeError
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples
from ..labels import LabelReader
from ..problems import Problems
from . import columns
from .face_picture import read_face
from .file_tree import MAX_RATIO

_BATCH = 2048  # rows
_BATCH_BYTES = 32 << 20
_SMALL_BYTES = 64 << 20  # unpacked, which a file of any size may have


@dataclass(frozen=True)
class FaceTable:
    """Open table and the meaning of its columns."""

    file: pq.ParquetFile
    image: str
    label: str | None
    split: str | None
    class_names: dict[int, str] | None  # names of the label numbers, if they differ from FER2013's codes


def recognises(head: bytes) -> bool:
    """Return whether a file is Parquet."""
    return head.startswith(b"PAR1")


def open_table(name: str, file: str | BinaryIO, buffer_size: int = 0) -> FaceTable:
    """Open a table without reading its rows.

    Args:
        name: Name of the file in error messages.
        file: Path or seekable binary file.
        buffer_size: Bytes to read at a time; 0 reads a whole row group at once.

    Raises:
        DataError: The file is not Parquet, or has no image column.
    """
    try:
        schema = pq.read_schema(file)
        if not isinstance(file, str):
            file.seek(0)
        # A value that many rows share is then kept once, as it is in the file.
        table = pq.ParquetFile(file, buffer_size=buffer_size, read_dictionary=_shared_columns(schema))
        image_column, class_names = (
            _image_column(schema),
            _class_names(schema, columns.find(schema.names).get("label")),
        )
    except Exception as error:  # errors of Arrow, OSError, and those of column names that are not text
        raise DataError(
            f"{name} cannot be read as parquet ({reason(error)}): is the file complete?"
        ) from None
    if image_column is None:
        raise DataError(
            f"{name} has no image column: expected a column of encoded images, as image{{bytes}}."
        )
    roles = columns.find(schema.names)
    return FaceTable(table, image_column, roles.get("label"), roles.get("split"), class_names)


def cells(batch: pa.RecordBatch, table: FaceTable) -> tuple[list[bytes | None], list[object]]:
    """Return the encoded images and the labels of some rows; rows with equal values share one object."""
    blobs = batch.column(batch.schema.get_field_index(table.image))
    if pa.types.is_struct(blobs.type):
        blobs = blobs.field("bytes")
    return _values(blobs), _column(batch, table.label)


def batches(
    table: FaceTable, column_names: list[str], most: int, groups: Iterable[int]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some row groups, at most `most` at a time, or fewer where they are large.

    Arrow cannot join the shared values of two row groups, so that each is read for itself.
    """
    for number in groups:
        group = table.file.metadata.row_group(number)
        rows = int(_BATCH_BYTES * group.num_rows / max(1, group.total_byte_size))
        yield from table.file.iter_batches(max(1, min(most, rows)), row_groups=[number], columns=column_names)


def _check_size(name: str, file: str | BinaryIO, table: pq.ParquetFile, budget: Budget) -> None:
    """Take the rows of a table from the budget, and refuse one that unpacks to far more than images do."""
    metadata = table.metadata
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    size = os.path.getsize(file) if isinstance(file, str) else file.seek(0, os.SEEK_END)
    budget.take_faces(name, metadata.num_rows)
    if unpacked > budget.max_bytes or unpacked > max(_SMALL_BYTES, MAX_RATIO * size):
        raise TooLargeError(
            f"{name} is refused: it would unpack from {size:,} to {unpacked:,} bytes, far more than "
            "images do."
        )


def read(
    name: str,
    file: str | BinaryIO,
    split: str = "train",
    budget: Budget | None = None,
    label_reader: LabelReader | None = None,
) -> Samples:
    """Read a table with a column `image{bytes}` or plain bytes, labels, and optional splits.

    Numeric labels follow the names in the table's own Hugging Face metadata if it has any (its classes are
    often sorted alphabetically), else FER2013's codes.

    Args:
        name: Name of the file in error messages.
        file: Seekable binary file.
        split: Split of all rows, for a table without a split column.
        budget: What the table may take at most; its metadata say it before rows are read.
        label_reader: Gives the labels their meaning.

    Raises:
        DataError: The file is not Parquet, has no image column or no labels, has too many bad rows, or is too
            large.
    """
    budget, label_reader = budget or Budget(), label_reader or LabelReader()
    opened = open_table(name, file)
    _check_size(name, file, opened.file, budget)
    table, image_column, label_column, split_column = opened.file, opened.image, opened.label, opened.split
    class_names = opened.class_names

    problems = Problems(name)
    images = np.empty((opened.file.metadata.num_rows, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    labels: list[int] = []
    splits: list[int] = []
    rows: list[int] = []
    row = 0
    column_names = [c for c in (image_column, label_column, split_column) if c]
    with ThreadPoolExecutor() as pool:
        try:
            for batch in batches(opened, column_names, _BATCH, range(table.num_row_groups)):
                blobs, codes = cells(batch, opened)
                uses = _column(batch, split_column)
                distinct = {id(blob): blob for blob in blobs}
                budget.take_bytes(name, sum(len(blob or b"") for blob in distinct.values()))
                read_one = partial(read_face, name="the image", budget=budget)
                decoded = dict(zip(distinct, pool.map(read_one, distinct.values()), strict=True))
                for i, (blob, label, use) in enumerate(zip(blobs, codes, uses, strict=True)):
                    image = decoded[id(blob)]
                    try:
                        if isinstance(image, FerError):
                            raise image
                        label_position = (
                            UNLABELLED if label_column is None else label_reader.position(label, class_names)
                        )
                        split_position = SPLITS.index(columns.split_name(use) if split_column else split)
                    except FerError as error:
                        problems.add_fault(f"row {row + i + 1}", error)
                        continue
                    images[len(rows)] = image
                    labels.append(label_position)
                    splits.append(split_position)
                    rows.append(row + i)
                row += len(codes)
        except TooLargeError:
            raise
        except Exception as error:  # as above; also invalid text in a cell
            raise DataError(
                f"{name} is damaged after row {row:,} ({reason(error)}): get the file again."
            ) from None
    warnings = problems.conclude(len(rows))
    return Samples(
        images=images[: len(rows)],
        labels=np.array(labels, np.int8),
        splits=np.array(splits, np.int8),
        rows=np.array(rows, np.int64),
        format="parquet",
        warnings=warnings,
        other_classes=dict(problems.other_classes),
    )


def _shared_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of text and bytes at the top, and those of encoded images one level below."""
    names = [item.name for item in schema if _is_text(item.type)]
    return names + [f"{item.name}.bytes" for item in schema if pa.types.is_struct(item.type)]


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_binary(kind)


def _values(column: pa.Array) -> list:
    """Return the values of a column; equal values that the file holds once are one object."""
    if not isinstance(column, pa.DictionaryArray):
        return column.to_pylist()
    values = column.dictionary.to_pylist()
    return [None if i is None else values[i] for i in column.indices.to_pylist()]


def _image_column(schema: pa.Schema) -> str | None:
    for item in schema:
        if pa.types.is_struct(item.type) and item.type.get_field_index("bytes") >= 0:
            return item.name
    for item in schema:
        if pa.types.is_binary(item.type) or pa.types.is_large_binary(item.type):
            return item.name
    return None


def _class_names(schema: pa.Schema, label_column: str | None) -> dict[int, str] | None:
    """Return the names of the label numbers, from the metadata that Hugging Face's `datasets` writes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label_column]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return dict(enumerate(names)) if named else None


def _column(batch: pa.RecordBatch, name: str | None) -> list:
    if name is None:
        return [None] * batch.num_rows
    column = batch.column(batch.schema.get_field_index(name))
    if pa.types.is_nested(column.type):
        raise DataError(f"its column {name} holds {column.type}: expected a number or a text in each row")
    return _values(column)
