"""What is looked at by epoch beside the curves: the confusion matrix on validation, a few fixed faces, the first filters.

watch.npz       the faces (P, 48, 48) uint8, their true classes (P,) and the shape of the filters
watch.records   a record of one size for each finished epoch, appended
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from ..emotions import NAMES
from ..kept_arrays import read_arrays
from ..storage import write_atomically
from .run_folder import RunFolder

_FACES_OF_A_CLASS = 2
_FILTERS_AT_MOST = 64


@dataclass(frozen=True)
class Watched:
    """The records of a run; E epochs, P faces, C classes."""

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


class WatchLog:
    """Writes the records of a run.

    Args:
        images: (n, 48, 48) uint8 validation images.
        labels: (n,) their true classes.
        classes: C.
        kernel: (h, w, in, out) of the first convolution, or None where there is none.
        finished_epochs: records after these are of work that is done again, and are dropped.
    """

    def __init__(
        self,
        run: RunFolder,
        images: np.ndarray,
        labels: np.ndarray,
        classes: int,
        kernel: np.ndarray | None,
        finished_epochs: int,
    ) -> None:
        self._run, self._labels, self._classes = run, labels, classes
        first = [np.flatnonzero(labels == label)[:_FACES_OF_A_CLASS] for label in range(classes)]
        self._panel = np.concatenate(first)
        shape = (0, 0, 0) if kernel is None else (min(_FILTERS_AT_MOST, kernel.shape[3]), *kernel.shape[:2])
        buffer = io.BytesIO()
        np.savez(buffer, faces=images[self._panel], true=labels[self._panel], filters=np.array(shape))
        write_atomically(run.watch, buffer.getvalue())
        self._dtype = _record(len(self._panel), classes, shape)
        self._file = run.path / "watch.records"
        kept = _records(run, self._dtype)
        write_atomically(self._file, kept[kept["epoch"] <= finished_epochs].tobytes())

    def epoch(self, epoch: int, probabilities: np.ndarray, kernel: np.ndarray | None) -> None:
        """Append the record of a finished epoch: (n, C) probabilities of the validation images, and the first kernel."""
        record = np.zeros(1, self._dtype)
        record["epoch"] = epoch
        np.add.at(record["matrix"][0], (self._labels, probabilities.argmax(1)), 1)
        record["probabilities"][0] = probabilities[self._panel]
        if kernel is not None:
            record["filters"][0] = np.moveaxis(kernel.mean(axis=2), -1, 0)[:_FILTERS_AT_MOST]
        with open(self._file, "ab") as file:
            file.write(record.tobytes())


def read_watch(run: RunFolder) -> Watched | None:
    """The records of a run, or None where there are none yet."""
    arrays = read_arrays(run.watch) or {}
    try:
        faces, true, shape = arrays["faces"], arrays["true"], tuple(int(n) for n in arrays["filters"])
        records = _records(run, _record(len(faces), len(NAMES), shape))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    if not len(records):
        return None
    return Watched(
        faces,
        true,
        records["matrix"],
        records["probabilities"].astype(np.float32),
        records["filters"].astype(np.float32),
    )


def _records(run: RunFolder, dtype: np.dtype) -> np.ndarray:
    try:
        data = (run.path / "watch.records").read_bytes()
    except OSError:
        data = b""
    whole = len(data) // dtype.itemsize  # a full disk may have cut the last one
    return np.frombuffer(data[: whole * dtype.itemsize], dtype)
