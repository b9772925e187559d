"""Output folder of a job: one Parquet file per part, written atomically, with the identity of its job."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import DataError
from ..storage import write_atomically
from .job import Job, Part

_KEY = b"fer_explorer"
_NAME = re.compile(r"part-(\d+)\.parquet")
_DIFFERENCES = {
    "format": "of another version of FER Explorer",
    "kind": "of {theirs}, and this is a job on {ours}",
    "fingerprint": "of another source",
    "items": "of another source",
    "model": "of the model {theirs}, and this is a job for {ours}",
    "model_sha256": "of another model that is called {name} too",
    "detector": "found with the face detector {theirs}, and this machine has {ours}",
    "part_size": "of {theirs:,} items each, and this is a job with {ours:,}",
}


@dataclass(frozen=True)
class PartResult:
    """Summary of a finished part."""

    index: int
    items: int
    rows: int
    errors: int  # rows without an answer
    bytes: int  # size of its file


class PartFolder:
    """Parts of one job. Any number of workers may write at once."""

    def __init__(self, job: Job) -> None:
        self.job, self.path = job, job.out

    def file(self, index: int) -> Path:
        return self.path / f"part-{index:06}.parquet"

    def result(self, index: int) -> PartResult | None:
        """Return the summary of a finished part, or None if it is missing or damaged."""
        try:
            return self.summary(index, part_metadata(self.file(index)))
        except (OSError, pa.ArrowException):
            return None

    def summary(self, index: int, metadata: dict[str, Any]) -> PartResult | None:
        """Return the summary of a finished part from the metadata of its file."""
        try:
            size = self.file(index).stat().st_size
            return PartResult(
                index, metadata["stop"] - metadata["start"], metadata["rows"], metadata["errors"], size
            )
        except (OSError, KeyError):
            return None

    def write(self, part: Part, table: pa.Table) -> PartResult:
        errors = table.num_rows - pc.count(table["label"]).as_py()
        metadata = self.job.identity() | {
            "part": part.index,
            "start": part.start,
            "stop": part.stop,
            "rows": table.num_rows,
            "errors": errors,
        }
        buffer = io.BytesIO()
        floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
        text_columns = [
            name
            for name in table.column_names
            if name not in floats and name not in ("row", "face", "x", "y", "width", "height")
        ]
        # Bytes of equal significance are stored together, which saves a sixth for probabilities (see
        # benchmarks/scale.py).
        pq.write_table(
            table.replace_schema_metadata({_KEY: json.dumps(metadata).encode()}),
            buffer,
            compression="zstd",
            use_dictionary=text_columns,
            column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT")
            | ({"row": "DELTA_BINARY_PACKED"} if "row" in table.column_names else {}),
        )
        write_atomically(self.file(part.index), buffer.getvalue())
        return PartResult(part.index, len(part), table.num_rows, errors, buffer.tell())

    def clear_unfinished(self) -> None:
        """Remove the unfinished files of killed workers.

        Only call it while no worker of this folder is running.
        """
        for path in self.path.glob(".part-*"):
            with contextlib.suppress(OSError):
                path.unlink()


def part_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a part, {} if it was not written by `score`.

    Raises:
        OSError, pyarrow.ArrowException: The file cannot be read.
    """
    return json.loads((pq.read_schema(path).metadata or {}).get(_KEY, b"{}"))


def parts_in(folder: Path) -> dict[int, dict[str, Any]]:
    """Return the metadata of the parts in `folder` by index, without damaged ones, which are scored again.

    Raises:
        DataError: There are parts that `score` did not write.
    """
    parts = {}
    for path in sorted(folder.glob("part-*.parquet")):
        number = _NAME.fullmatch(path.name)
        try:
            metadata = part_metadata(path)
        except (OSError, pa.ArrowException):
            continue
        if number is None or not metadata:
            raise DataError(
                f"{folder} holds {path.name}, which score did not write: name another folder with --out."
            )
        parts[int(number[1])] = metadata
    return parts


def check_same_job(job: Job, existing: dict[int, dict[str, Any]]) -> None:
    """Refuse to add to the parts of another job.

    Raises:
        DataError: The parts belong to another source, model, detector or part size.
    """
    ours = job.identity()
    for metadata in existing.values():
        for key, template in _DIFFERENCES.items():
            if metadata.get(key) != ours[key]:
                difference = template.format(theirs=metadata.get(key), ours=ours[key], name=ours["model"])
                raise DataError(
                    f"{job.out} holds parts {difference}: name another folder with --out, or score what it "
                    "was "
                    "begun with."
                )
