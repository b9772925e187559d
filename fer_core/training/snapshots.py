"""Snapshots of a network by epoch: its confusion matrix on validation, its answers on a few fixed faces, its
first filters.

watch.npz       the faces (P, 48, 48) uint8, their true classes (P,) and the shape of the filters
watch.records   a record of fixed size for each finished epoch
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..emotions import NAMES
from ..storage import read_arrays, write_atomically

_FACES_PER_CLASS = 2
_MAX_FILTERS = 64
_FACES, _RECORDS = "watch.npz", "watch.records"


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of a run; E epochs, P faces, C classes."""

    faces: np.ndarray  # (P, 48, 48) uint8
    true: np.ndarray  # (P,) int64 positions in emotions.NAMES
    matrices: np.ndarray  # (E, C, C) int32, rows true, columns predicted, of the validation images
    probabilities: np.ndarray  # (E, P, C) float32
    filters: np.ndarray  # (E, n, height, width) float32: the first convolution, mean over its input channels

    def __len__(self) -> int:
        return len(self.matrices)


def _record(faces: int, classes: int, filters: tuple[int, ...]) -> np.dtype:
    return np.dtype(
        [
            ("epoch", "<i4"),
            ("matrix", "<i4", (classes, classes)),
            ("probabilities", "<f2", (faces, classes)),
            ("filters", "<f2", filters),
        ]
    )


class SnapshotLog:
    """Write the snapshots of a run.

    Args:
        folder: The folder of the run.
        images: Validation images (n, 48, 48) uint8.
        labels: The true classes (n,) of the images.
        classes: The number of classes, C.
        kernel: Kernel (h, w, in, out) of the first convolution, or None if there is none.
        finished_epochs: Later records belong to work that is done again, and are dropped.
    """

    def __init__(
        self,
        folder: Path,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        kernel: np.ndarray | None,
        finished_epochs: int,
    ) -> None:
        self._labels, self._classes = labels, classes
        first = [np.flatnonzero(labels == label)[:_FACES_PER_CLASS] for label in range(classes)]
        self._panel = np.concatenate(first)
        shape = (0, 0, 0) if kernel is None else (min(_MAX_FILTERS, kernel.shape[3]), *kernel.shape[:2])
        buffer = io.BytesIO()
        np.savez(buffer, faces=images[self._panel], true=labels[self._panel], filters=np.array(shape))
        write_atomically(folder / _FACES, buffer.getvalue())
        self._dtype = _record(len(self._panel), classes, shape)
        self._file = folder / _RECORDS
        records = _read(self._file, self._dtype)
        write_atomically(self._file, records[records["epoch"] <= finished_epochs].tobytes())

    def epoch(self, epoch: int, probabilities: np.ndarray, kernel: np.ndarray | None) -> None:
        """Append the record of an epoch.

        Args:
            epoch: The number of the epoch, from 1.
            probabilities: Probabilities (n, C) of the validation images.
            kernel: Kernel (h, w, in, out) of the first convolution.
        """
        record = np.zeros(1, self._dtype)
        record["epoch"] = epoch
        np.add.at(record["matrix"][0], (self._labels, probabilities.argmax(1)), 1)
        record["probabilities"][0] = probabilities[self._panel]
        if kernel is not None:
            record["filters"][0] = np.moveaxis(kernel.mean(axis=2), -1, 0)[:_MAX_FILTERS]
        with open(self._file, "ab") as file:
            file.write(record.tobytes())


def read_snapshots(folder: Path) -> Snapshots | None:
    """Read the snapshots in the folder of a run, or None where there are none yet."""
    arrays = read_arrays(folder / _FACES) or {}
    try:
        faces, true, shape = arrays["faces"], arrays["true"], tuple(int(n) for n in arrays["filters"])
        records = _read(folder / _RECORDS, _record(len(faces), len(NAMES), shape))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    if not len(records):
        return None
    return Snapshots(
        faces,
        true,
        records["matrix"],
        records["probabilities"].astype(np.float32),
        records["filters"].astype(np.float32),
    )


def _read(path: Path, dtype: np.dtype) -> np.ndarray:
    data = b""
    with contextlib.suppress(OSError):
        if path.is_file():  # a device or a pipe has no end
            data = path.read_bytes()
    whole = len(data) // dtype.itemsize  # a full disk may have cut the last one
    return np.frombuffer(data[: whole * dtype.itemsize], dtype)
