"""TensorBoard event files of a run, written by tensorboardX, which needs neither TensorBoard nor TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter


class EventLog:
    """Writes loss, accuracy and learning rate by epoch to `folder`/train and `folder`/validation.

    Args:
        first_epoch: the last finished epoch; events from it on, from before an interruption, are purged.
    """

    def __init__(self, folder: Path, first_epoch: int) -> None:
        self._writers = {
            part: SummaryWriter(str(folder / part), purge_step=first_epoch, write_to_disk=True)
            for part in ("train", "validation")
        }

    def epoch(self, row: dict[str, Any]) -> None:
        """Record a row of the history."""
        step = row["epoch"]
        for name in ("loss", "accuracy", "learning_rate"):
            self._writers["train"].add_scalar(name, row[name], step)
        for name in ("loss", "accuracy"):
            self._writers["validation"].add_scalar(name, row[f"val_{name}"], step)
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
