"""Data sets in memory, shared between all sessions and bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from fer_core.data import Dataset

MAX_BYTES = 512 << 20


class DatasetCache:
    """The data sets that were used last, up to a number of bytes; the last one is always kept."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._datasets: OrderedDict[tuple[str, int], Dataset] = OrderedDict()
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # one at a time, so that visitors together do not fill the memory

    def get(self, key: tuple[str, int]) -> Dataset | None:
        """Return a data set of the cache, or None."""
        with self._lock:
            if key in self._datasets:
                self._datasets.move_to_end(key)
            return self._datasets.get(key)

    def open(self, key: tuple[str, int], read: Callable[[], Dataset]) -> Dataset:
        """Return the data set under `key`, read by `read` unless it is here; an error leaves nothing."""
        with self._reading:
            dataset = self.get(key)
            if dataset is None:
                dataset = read()
                self._add(key, dataset)
            return dataset

    @property
    def bytes(self) -> int:
        """Return the bytes of all data sets in the cache."""
        return sum(map(in_memory, self._datasets.values()))

    def _add(self, key: tuple[str, int], dataset: Dataset) -> None:
        with self._lock:
            self._datasets[key] = dataset
            while len(self._datasets) > 1 and self.bytes > self.max_bytes:
                self._datasets.popitem(last=False)


def in_memory(dataset: Dataset) -> int:
    """Return the bytes of a data set in memory; images mapped from a file are the system's to drop."""
    images = 0 if isinstance(dataset.images, np.memmap) else dataset.images.nbytes
    return images + sum(
        array.nbytes for array in (dataset.labels, dataset.splits, dataset.rows, dataset.digests)
    )
