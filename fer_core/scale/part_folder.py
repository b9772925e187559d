"""The folder that a job writes: a parquet file a part, which is there in full or not at all, and says itself what it belongs to."""

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
    """What is known of a part that is done."""

    index: int
    items: int
    rows: int
    errors: int  # rows that say why there is no answer
    bytes: int  # of its file


class PartFolder:
    """The parts of one job. Any number of workers may write at once."""

    def __init__(self, job: Job) -> None:
        self.job, self.path = job, job.out

    def file(self, index: int) -> Path:
        return self.path / f"part-{index:06}.parquet"

    def result(self, index: int) -> PartResult | None:
        """Of a part that is there, else None; one whose file is damaged is not there."""
        try:
            return self.told(index, part_metadata(self.file(index)))
        except (OSError, pa.ArrowException):
            return None

    def told(self, index: int, metadata: dict[str, Any]) -> PartResult | None:
        """The same from what its file says of itself."""
        try:
            size = self.file(index).stat().st_size
            return PartResult(
                index, metadata["stop"] - metadata["start"], metadata["rows"], metadata["errors"], size
            )
        except (OSError, KeyError):
            return None

    def write(self, part: Part, table: pa.Table) -> PartResult:
        errors = table.num_rows - pc.count(table["label"]).as_py()
        told = self.job.identity() | {
            "part": part.index,
            "start": part.start,
            "stop": part.stop,
            "rows": table.num_rows,
            "errors": errors,
        }
        buffer = io.BytesIO()
        floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
        words = [
            name
            for name in table.column_names
            if name not in floats and name not in ("row", "face", "x", "y", "width", "height")
        ]
        # Bytes of equal meaning side by side: probabilities take a sixth less so (benchmarks/scale.py says how much a row takes).
        pq.write_table(
            table.replace_schema_metadata({_KEY: json.dumps(told).encode()}),
            buffer,
            compression="zstd",
            use_dictionary=words,
            column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT")
            | ({"row": "DELTA_BINARY_PACKED"} if "row" in table.column_names else {}),
        )
        write_atomically(self.file(part.index), buffer.getvalue())
        return PartResult(part.index, len(part), table.num_rows, errors, buffer.tell())

    def clear_unfinished(self) -> None:
        """Remove what killed workers left half written. Only where no worker of this folder is at work."""
        for path in self.path.glob(".part-*"):
            with contextlib.suppress(OSError):
                path.unlink()


def part_metadata(path: Path) -> dict[str, Any]:
    """What a part says of itself, {} where it was not written by `score`.

    Raises:
        OSError, pyarrow.ArrowException: it cannot be read.
    """
    return json.loads((pq.read_schema(path).metadata or {}).get(_KEY, b"{}"))


def parts_in(folder: Path) -> dict[int, dict[str, Any]]:
    """What the parts in `folder` say of themselves, by index; damaged ones are left out, they are done anew.

    Raises:
        DataError: there are parts that `score` did not write.
    """
    found = {}
    for path in sorted(folder.glob("part-*.parquet")):
        number = _NAME.fullmatch(path.name)
        try:
            told = part_metadata(path)
        except (OSError, pa.ArrowException):
            continue
        if number is None or not told:
            raise DataError(
                f"{folder} holds {path.name}, which score did not write: name another folder with --out."
            )
        found[int(number[1])] = told
    return found


def check_same_job(job: Job, there: dict[int, dict[str, Any]]) -> None:
    """Refuse to add to the parts of another job.

    Raises:
        DataError: they belong to another source, model, detector or size of parts.
    """
    ours = job.identity()
    for told in there.values():
        for key, words in _DIFFERENCES.items():
            if told.get(key) != ours[key]:
                what = words.format(theirs=told.get(key), ours=ours[key], name=ours["model"])
                raise DataError(
                    f"{job.out} holds parts {what}: name another folder with --out, or score what it was begun with."
                )
