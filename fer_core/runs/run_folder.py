"""Folder of a training run.

It contains all that the app, the shell or a later session needs to know about the run:

config.json      settings of the run (RunConfig)
status.json      state, message, fingerprint of the data, start and end
progress.json    progress of the current epoch, replaced about twice a second
history.csv      a row for each finished epoch
batches.csv      loss and accuracy of each batch (training/logs.py)
watch.npz        watched faces (training/snapshots.py)
watch.records    confusion matrix, probabilities of the watched faces and first filters of each epoch
control.json     requested actions (steering.py)
control.lock     held while a request is written
steering.jsonl   executed actions (steering.py)
checkpoint.npz   state after the last finished epoch, from which the run can be resumed
reserve          space reserved for writing the last status when the disk is full
tensorboard/     event files
log.txt          output of the process, if the app started it
stop             request to stop
lock             lock of the training process
bundle/          model bundle, once the run has ended
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import MAX_EPOCHS, RunConfig
from ..errors import FerError, TrainingError
from ..hosting import quotas
from ..process_folder import OPEN_STATES, RUNNING_STATES, FolderTakenError, ProcessFolder, unused_path
from ..storage import write_atomically, write_new
from .resolve import resolve

__all__ = [
    "HISTORY_COLUMNS",
    "OPEN_STATES",
    "RUNNING_STATES",
    "RunFolder",
    "create_run",
    "list_runs",
    "open_run",
]

_RESERVE = 128_000  # bytes
# Columns of the history with other values than 0 to _LARGEST.
_LOSSES, _SHARES, _LARGEST = ("loss", "val_loss"), ("accuracy", "val_accuracy"), 1e15
_HISTORY_CHARACTERS = 300 * MAX_EPOCHS
HISTORY_COLUMNS = (
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
    "best",
)


@dataclass(frozen=True)
class RunFolder(ProcessFolder):
    """Paths and records of one run."""

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.npz"

    @property
    def bundle(self) -> Path:
        return self.path / "bundle"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def batches(self) -> Path:
        return self.path / "batches.csv"

    @property
    def control(self) -> Path:
        return self.path / "control.json"

    @property
    def steering(self) -> Path:
        return self.path / "steering.jsonl"

    def exists(self) -> bool:
        return (self.path / "config.json").is_file()

    def create(self, config: RunConfig, *, keep_teacher: bool = False) -> None:
        """Make the folder of a new run, with the open settings of `config` resolved.

        Args:
            keep_teacher: Keep the teacher of a preset, whatever data it was trained on; see `resolve`.

        Raises:
            TrainingError: The folder contains a run already or cannot be written, or votes are missing.
            FerError: The run exceeds the limits of a visitor of a hosted app.
        """
        with quotas.new_runs(self.path, config):
            config = resolve(config, keep_teacher=keep_teacher)
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                write_new(self.path / "config.json", config.as_text())
                self.write_status("starting")
            except FileExistsError:
                raise FolderTakenError(
                    f"{self.path} holds a run already: resume it with --resume {self.path}, "
                    "or name another folder."
                ) from None
            except OSError as error:
                raise TrainingError(
                    f"The run folder {self.path} cannot be written: {error.strerror}."
                ) from None

    def config(self) -> RunConfig:
        """Read the settings of the run.

        Raises:
            ConfigError: The folder has no valid configuration.
        """
        return RunConfig.load(self.path / "config.json")

    # --- records --------------------------------------------------------------------------------------------

    def write_progress(self, **progress: Any) -> None:
        write_atomically(
            self.path / "progress.json", json.dumps(progress | {"time": time.time()}).encode(), durable=False
        )

    def progress(self) -> dict[str, Any]:
        return self._json("progress.json")

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        lines = [",".join(HISTORY_COLUMNS)] + [
            ",".join(_cell(row[c]) for c in HISTORY_COLUMNS) for row in rows
        ]
        write_atomically(self.path / "history.csv", ("\n".join(lines) + "\n").encode())

    def history(self) -> list[dict[str, float]]:
        """Return a dict with the keys HISTORY_COLUMNS for each finished epoch."""
        try:
            path = self.path / "history.csv"
            if not path.is_file():
                return []  # a pipe would be waited for
            with open(path, encoding="utf-8") as file:
                header, *lines = file.read(_HISTORY_CHARACTERS).splitlines()[: MAX_EPOCHS + 1]
            columns = header.split(",")
            rows = [dict(zip(columns, map(float, line.split(",")), strict=True)) for line in lines]
        except (OSError, ValueError):
            return []
        whole = set(HISTORY_COLUMNS) <= set(columns) and all(map(_is_possible, rows))
        return rows if whole else []

    def reserve_space(self) -> None:
        """Reserve some disk space for `free_reserve`."""
        (self.path / "reserve").write_bytes(b"\0" * _RESERVE)

    def free_reserve(self) -> None:
        """Free the reserved space, so that a run that ends on a full disk can write its last status."""
        (self.path / "reserve").unlink(missing_ok=True)


def _is_possible(row: dict[str, float]) -> bool:
    """Return whether the figures of an epoch can be drawn; a loss that diverged is not a number."""
    return all(
        name in _LOSSES or 0 <= value <= (1 if name in _SHARES else _LARGEST) for name, value in row.items()
    )


def _cell(value: float) -> str:
    return repr(int(value)) if isinstance(value, (bool, int)) else repr(float(value))


def create_run(parent: Path, config: RunConfig, *, keep_teacher: bool = False) -> RunFolder:
    """Create a run below `parent`, named after the time and the preset.

    Raises:
        TrainingError: As for `RunFolder.create`.
    """
    while True:
        run = RunFolder(unused_path(parent, config.preset or "run"))
        with contextlib.suppress(FolderTakenError):  # another process took the name at this moment
            run.create(config, keep_teacher=keep_teacher)
            return run


def list_runs(parent: Path) -> list[RunFolder]:
    """List the runs below `parent`, newest first."""
    if not parent.is_dir():
        return []
    runs = [RunFolder(p) for p in parent.iterdir() if (p / "config.json").is_file()]
    return sorted(runs, key=lambda run: run.status()["started"], reverse=True)


def open_run(path: Path) -> RunFolder:
    """Open the run in `path`.

    Raises:
        TrainingError: There is none.
    """
    run = RunFolder(path)
    if not run.exists():
        raise TrainingError(
            f"{path} is not a run folder: expected a folder with the config.json of a training run."
        )
    try:
        run.config()
    except FerError as error:
        raise TrainingError(str(error)) from None
    return run
