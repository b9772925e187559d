"""What users record about images, by the content of an image: the base of verdicts and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..data.dataset import Dataset

T = TypeVar("T")


class ImageRecords:
    """Records about the images of one data set, in a file. Variants share those of their original."""

    def __init__(self, dataset: Dataset, path: Path) -> None:
        self._path = path
        self._dataset = dataset
        self._fingerprint = dataset.variant_of or dataset.fingerprint

    def _digests(self, indices: Iterable[int]) -> list[str]:
        """Return the digests of the images at `indices` as hexadecimal text, each once."""
        return sorted({f"{self._dataset.digests[int(i)]:016x}" for i in indices})

    def _by_position(self, by_digest: Mapping[int, T]) -> dict[int, T]:
        """Return what is recorded for each image by position; copies of an image share it."""
        digests = self._dataset.digests
        places = np.flatnonzero(np.isin(digests, np.array(list(by_digest), np.uint64)))
        return {int(i): by_digest[int(digests[i])] for i in places}
