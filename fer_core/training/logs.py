"""Logs of a run while it trains: every batch as CSV, every epoch for TensorBoard, and a progress bar on the
terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
from tensorboardX import SummaryWriter
from tqdm import tqdm

# `position` counts epochs: 1.5 is the middle of the second one.
BATCH_COLUMNS = ("position", "loss", "accuracy", "learning_rate", "images_per_second")
_HEADER = ",".join(BATCH_COLUMNS) + "\n"


class BatchLog:
    """Write loss and accuracy of each batch to batches.csv, several rows at a time, so that a curve grows
    within an epoch.

    Args:
        path: The path of the file.
        finished_epochs: Later rows belong to work that is done again, and are dropped.
    """

    def __init__(self, path: Path, finished_epochs: int) -> None:
        self._path = path
        self._rows: list[str] = []
        rows = read_batches(path, whole=True)
        with open(self._path, "w", encoding="ascii") as file:
            file.write(_HEADER)
            np.savetxt(file, rows[rows[:, 0] <= finished_epochs], fmt="%.6g", delimiter=",")

    def add(
        self, position: float, loss: float, accuracy: float, learning_rate: float, images_per_second: float
    ) -> None:
        """Add the row of a batch; `flush` writes it."""
        self._rows.append(
            f"{position:.6g},{loss:.6g},{accuracy:.6g},{learning_rate:.6g},{images_per_second:.6g}\n"
        )

    def flush(self) -> None:
        """Write the rows that were added."""
        with open(self._path, "a", encoding="ascii") as file:
            file.write("".join(self._rows))
        self._rows.clear()


def read_batches(path: Path, whole: bool = False, tail: int = 64_000) -> np.ndarray:
    """Read the last rows of a batches.csv, or all of them.

    Args:
        path: The path of the file, which may be missing.
        whole: Read all rows.
        tail: Bytes to read from the end, about 40 a row, so that following a long run stays cheap.

    Returns:
        (n, 5) float64 rows as in BATCH_COLUMNS, oldest first.
    """
    text = b""
    if not path.is_file():
        return np.empty((0, len(BATCH_COLUMNS)))  # a pipe would be waited for
    with contextlib.suppress(OSError), open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0 if whole else max(0, size - tail))
        text = file.read()
    lines = text.split(b"\n")[
        1:-1
    ]  # without the header or a partial row, and without a row that is being written
    rows = [line.split(b",") for line in lines]
    try:
        complete = [row for row in rows if len(row) == len(BATCH_COLUMNS)]
        return np.array(complete, np.float64).reshape(-1, len(BATCH_COLUMNS))
    except ValueError:
        return np.empty((0, len(BATCH_COLUMNS)))


class TensorBoardLog:
    """Write loss, accuracy and learning rate by epoch to `folder`/train and `folder`/validation.

    tensorboardX needs neither TensorBoard nor TensorFlow.

    Args:
        folder: The folder of the event files.
        finished_epochs: Events from that epoch on, from before an interruption, are purged.
    """

    def __init__(self, folder: Path, finished_epochs: int) -> None:
        self._writers = {
            part: SummaryWriter(str(folder / part), purge_step=finished_epochs, write_to_disk=True)
            for part in ("train", "validation")
        }

    def epoch(self, row: dict[str, Any]) -> None:
        """Write a row of the history."""
        step = row["epoch"]
        for name in ("loss", "accuracy", "learning_rate"):
            self._writers["train"].add_scalar(name, row[name], step)
        for name in ("loss", "accuracy"):
            self._writers["validation"].add_scalar(name, row[f"val_{name}"], step)
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Close the event files."""
        for writer in self._writers.values():
            writer.close()


class ProgressBar:
    """Show the batches of all epochs with the time left on stderr, and a line for each finished epoch.

    Args:
        folder: The folder of the run, which is shown first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bar: tqdm | None = None

    def __enter__(self) -> Self:
        print(f"run folder: {self._folder}", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, progress: dict[str, Any]) -> None:
        """Show what `Trainer` reports."""
        if progress.get("finished_epoch"):
            line = (
                f"epoch {progress['epoch']}/{progress['epochs']}  "
                f"loss {progress['loss']:.3f}  accuracy {progress['accuracy']:.1%}  "
                f"validation loss {progress['val_loss']:.3f}  accuracy {progress['val_accuracy']:.1%}"
                f"{'  best' if progress['best'] else ''}"
            )
            tqdm.write(line, file=sys.stderr)
            return
        batches = progress["batches"]
        done = (progress["epoch"] - 1) * batches + progress["batch"]
        if self._bar is None:
            before = (progress["epoch"] - 1) * batches  # of the epochs before an interruption
            total = progress["epochs"] * batches
            self._bar = tqdm(total=total, initial=before, unit="batch", file=sys.stderr, mininterval=0.5)
        self._bar.set_postfix_str(f"epoch {progress['epoch']}, loss {progress['loss']:.3f}", refresh=False)
        self._bar.update(done - self._bar.n)
