"""Reader of Parquet tables with one encoded image per row, as on the Hugging Face hub."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ... import imaging
from ...errors import DataError, FerError
from ..dataset import IMAGE_SIZE, SPLITS, UNLABELLED, Samples
from ..problems import Problems
from . import columns

_BATCH = 2048


@dataclass(frozen=True)
class FaceTable:
    """Open table and the meaning of its columns."""

    file: pq.ParquetFile
    image: str
    label: str | None
    split: str | None
    class_names: list[str] | None  # names of the label numbers, if they differ from FER2013's codes


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
        table = pq.ParquetFile(file, buffer_size=buffer_size)
        schema = table.schema_arrow
        image_column, class_names = (
            _image_column(schema),
            _class_names(schema, columns.find(schema.names).get("label")),
        )
    except Exception as error:  # errors of Arrow, OSError, and those of column names that are not text
        raise DataError(
            f"{name} cannot be read as parquet ({_short(error)}): is the file complete?"
        ) from None
    if image_column is None:
        raise DataError(
            f"{name} has no image column: expected a column of encoded images, as image{{bytes}}."
        )
    roles = columns.find(schema.names)
    return FaceTable(table, image_column, roles.get("label"), roles.get("split"), class_names)


def cells(batch: pa.RecordBatch, table: FaceTable) -> tuple[list[bytes | None], list[object]]:
    """Return the encoded images and the labels of some rows."""
    blobs = batch.column(batch.schema.get_field_index(table.image))
    if pa.types.is_struct(blobs.type):
        blobs = blobs.field("bytes")
    return blobs.to_pylist(), _column(batch, table.label)


def read(name: str, file: str | BinaryIO, split: str = "train") -> Samples:
    """Read a table with a column `image{bytes}` or plain bytes, labels, and optional splits.

    Numeric labels follow the names in the table's own Hugging Face metadata if it has any (its classes are
    often sorted alphabetically), else FER2013's codes.

    Args:
        name: Name of the file in error messages.
        file: Seekable binary file.
        split: Split of all rows, for a table without a split column.

    Raises:
        DataError: The file is not Parquet, has no image column or no labels, or has too many bad rows.
    """
    opened = open_table(name, file)
    table, image_column, label_column, split_column = opened.file, opened.image, opened.label, opened.split
    class_names = opened.class_names

    problems = Problems(name)
    images, labels, splits, rows = [], [], [], []
    row = 0
    column_names = [c for c in (image_column, label_column, split_column) if c]
    with ThreadPoolExecutor() as pool:
        try:
            for batch in table.iter_batches(batch_size=_BATCH, columns=column_names):
                blobs, codes = cells(batch, opened)
                uses = _column(batch, split_column)
                decoded = pool.map(decode, blobs)
                for i, (image, label, use) in enumerate(zip(decoded, codes, uses, strict=True)):
                    try:
                        if isinstance(image, FerError):
                            raise image
                        label_position = (
                            UNLABELLED if label_column is None else columns.label_position(label, class_names)
                        )
                        split_position = SPLITS.index(columns.split_name(use) if split_column else split)
                    except FerError as error:
                        problems.add(f"row {row + i + 1}: {error}")
                        continue
                    images.append(image)
                    labels.append(label_position)
                    splits.append(split_position)
                    rows.append(row + i)
                row += len(codes)
        except Exception as error:  # as above; also invalid text in a cell
            raise DataError(
                f"{name} is damaged after row {row:,} ({_short(error)}): get the file again."
            ) from None
    warnings = problems.conclude(len(images))
    return Samples(
        images=np.stack(images) if images else np.empty((0, IMAGE_SIZE, IMAGE_SIZE), np.uint8),
        labels=np.array(labels, np.int8),
        splits=np.array(splits, np.int8),
        rows=np.array(rows, np.int64),
        format="parquet",
        warnings=warnings,
    )


def decode(blob: bytes | None) -> np.ndarray | FerError:
    """Return (48, 48) uint8, or the reason why the image cannot be read."""
    try:
        if not blob:
            raise DataError("the image is empty.")
        return imaging.to_grey_48(imaging.open_image(blob))
    except FerError as error:
        return error


def _image_column(schema: pa.Schema) -> str | None:
    for item in schema:
        if pa.types.is_struct(item.type) and item.type.get_field_index("bytes") >= 0:
            return item.name
    for item in schema:
        if pa.types.is_binary(item.type) or pa.types.is_large_binary(item.type):
            return item.name
    return None


def _class_names(schema: pa.Schema, label_column: str | None) -> list[str] | None:
    """Return the names of the label numbers, from the metadata that Hugging Face's `datasets` writes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label_column]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return names if isinstance(names, list) and all(isinstance(n, str) for n in names) else None


def _column(batch: pa.RecordBatch, name: str | None) -> list:
    return (
        [None] * batch.num_rows
        if name is None
        else batch.column(batch.schema.get_field_index(name)).to_pylist()
    )


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
