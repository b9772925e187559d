"""Scoring job: what all its workers must agree on, and its division into parts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .sources import Source

FORMAT = 2  # increase it when older parts do not fit new ones

# A part is one file, and what a killed worker loses: a minute of work is not much to lose and enough for a
# file.
_MAX_FACES, _MAX_PHOTOS = 32_768, 1_024
_MIN_FACES, _MIN_PHOTOS = 1_024, 16
_TARGET_PARTS = 64


@dataclass(frozen=True)
class Part:
    """Items `start` to `stop` of the source, counted from 0."""

    index: int
    start: int
    stop: int
    names: tuple[str, ...] = ()  # of the photos, so that a worker need not list the folder

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Job:
    """Source, model and output folder. It is sent to the workers, for which the same paths must be valid."""

    source: Source
    model: Path  # folder of the bundle
    model_name: str
    model_sha256: str
    labels: tuple[str, ...]
    detector: str | None  # name of the face detector, for photos
    part_size: int
    out: Path

    def identity(self) -> dict[str, Any]:
        """Return what must be equal for parts to belong together."""
        return {
            "format": FORMAT,
            "kind": self.source.kind,
            "fingerprint": self.source.fingerprint,
            "items": self.source.count,
            "model": self.model_name,
            "model_sha256": self.model_sha256,
            "detector": self.detector,
            "part_size": self.part_size,
        }

    def part_count(self) -> int:
        return -(-self.source.count // self.part_size)

    def parts(self, without: Collection[int] = ()) -> Iterator[Part]:
        """Yield the parts in their order, except those with an index in `without`."""
        for index in range(self.part_count()):
            if index not in without:
                start = index * self.part_size
                stop = min(start + self.part_size, self.source.count)
                yield Part(index, start, stop, self.source.names(start, stop))


def usual_part_size(source: Source) -> int:
    """Return the items per part, equal on every machine: enough parts to share out, but no tiny files."""
    least, most = (_MIN_FACES, _MAX_FACES) if source.kind == "faces" else (_MIN_PHOTOS, _MAX_PHOTOS)
    even_share = -(-source.count // _TARGET_PARTS)
    return min(most, -(-max(least, even_share) // least) * least)
