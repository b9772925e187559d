"""Loss and accuracy of each batch, appended to batches.csv while the run trains, so that a curve grows within an epoch."""

from __future__ import annotations

import contextlib
import os

import numpy as np

from .run_folder import RunFolder

# `position` counts epochs: 1.5 is the middle of the second one.
COLUMNS = ("position", "loss", "accuracy", "learning_rate", "images_per_second")
_HEADER = ",".join(COLUMNS) + "\n"


class BatchLog:
    """Writes the rows of a run, several at a time.

    Args:
        finished_epochs: rows after these are of work that is done again, and are dropped.
    """

    def __init__(self, run: RunFolder, finished_epochs: int) -> None:
        self._path, self._rows = run.batches, []  # type: ignore[var-annotated]
        kept = read_batches(run, whole=True)
        kept = kept[kept[:, 0] <= finished_epochs]
        with open(self._path, "w", encoding="ascii") as file:
            file.write(_HEADER)
            np.savetxt(file, kept, fmt="%.6g", delimiter=",")

    def add(
        self, position: float, loss: float, accuracy: float, learning_rate: float, images_per_second: float
    ) -> None:
        self._rows.append(
            f"{position:.6g},{loss:.6g},{accuracy:.6g},{learning_rate:.6g},{images_per_second:.6g}\n"
        )

    def flush(self) -> None:
        """Write what was added."""
        with open(self._path, "a", encoding="ascii") as file:
            file.write("".join(self._rows))
        self._rows.clear()


def read_batches(run: RunFolder, whole: bool = False, tail: int = 64_000) -> np.ndarray:
    """(n, 5) float64 rows as in COLUMNS, oldest first: the last ones, or all.

    Args:
        tail: bytes that are read from the end, about 40 a row, so that following a long run stays cheap.
    """
    text = b""
    with contextlib.suppress(OSError), open(run.batches, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0 if whole else max(0, size - tail))
        text = file.read()
    lines = text.split(b"\n")[
        1:-1
    ]  # the header or a part of a row; after the last line break a row that is being written
    rows = [line.split(b",") for line in lines]
    try:
        return np.array([row for row in rows if len(row) == len(COLUMNS)], np.float64).reshape(
            -1, len(COLUMNS)
        )
    except ValueError:
        return np.empty((0, len(COLUMNS)))
