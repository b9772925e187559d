"""What all workers of a scoring job must agree on, and the parts that it is cut into."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle import Bundle
from .sources import Source

FORMAT = 1  # raise it when parts written before cannot stand beside new ones

# A part is what a killed worker loses, and a file: a minute's work is little to lose and enough for a file.
_FACES_AT_MOST, _PHOTOS_AT_MOST = 32_768, 1_024
_FACES_AT_LEAST, _PHOTOS_AT_LEAST = 1_024, 16
_WANTED_PARTS = 64


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
    """A source, a model and a folder. It travels to the workers, which open what it names: the same paths must lead there."""

    source: Source
    model: Path  # the bundle's folder
    model_name: str
    model_sha256: str
    labels: tuple[str, ...]
    detector: str | None  # the name of the face detector, for photos
    part_size: int
    out: Path

    def identity(self) -> dict[str, Any]:
        """What must be the same for parts to belong together."""
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
        """The parts in their order, but for those whose index is in `without`."""
        for index in range(self.part_count()):
            if index not in without:
                start = index * self.part_size
                stop = min(start + self.part_size, self.source.count)
                yield Part(index, start, stop, self.source.names(start, stop))


def usual_part_size(source: Source) -> int:
    """Items a part: the same for the same source on every machine, enough parts to share out and none too small to be worth a file."""
    least, most = (
        (_FACES_AT_LEAST, _FACES_AT_MOST) if source.kind == "faces" else (_PHOTOS_AT_LEAST, _PHOTOS_AT_MOST)
    )
    wanted = -(-source.count // _WANTED_PARTS)
    return min(most, -(-max(least, wanted) // least) * least)


def model_sha256(bundle: Bundle) -> str:
    """Of the inference file and the label names: what the answers depend on."""
    digest = hashlib.sha256(bundle.inference_file.read_bytes())
    digest.update("\0".join(bundle.labels).encode())
    return digest.hexdigest()
