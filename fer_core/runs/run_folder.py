"""A training run on disk. The folder alone says everything about a run: the app, the shell and a later session read it.

config.json      the RunConfig
status.json      state, message, data fingerprint, start and end
progress.json    where the epoch under way stands (replaced about twice a second)
history.csv      a row per finished epoch
batches.csv      loss and accuracy of each batch (batch_log.py)
watch.npz        faces that are watched; watch.records: confusion matrix, their probabilities and the first filters by epoch (watch.py)
control.json     what the run is asked to do; steering.jsonl: what was done about it (steering.py)
checkpoint.npz   all that is needed to go on after the last finished epoch
reserve          some space that is given free when the disk is full, so that the state can be written
tensorboard/     event files
log.txt          what the process printed, if the app started it
stop             exists: the run is asked to stop
lock             held by the training process while it lives
bundle/          the model bundle, once the run has ended
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import RunConfig
from ..errors import FerError, TrainingError
from ..hosting import quotas
from ..process_folder import OPEN_STATES, RUNNING_STATES, ProcessFolder, unused_path
from ..storage import write_atomically
from .settle import settle

__all__ = [
    "HISTORY_COLUMNS",
    "OPEN_STATES",
    "RUNNING_STATES",
    "RunFolder",
    "list_runs",
    "new_run_folder",
    "open_run",
]

_RESERVE = 128_000  # bytes
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
    def watch(self) -> Path:
        return self.path / "watch.npz"

    @property
    def control(self) -> Path:
        return self.path / "control.json"

    @property
    def steering(self) -> Path:
        return self.path / "steering.jsonl"

    def exists(self) -> bool:
        return (self.path / "config.json").is_file()

    def create(self, config: RunConfig, *, keep_teacher: bool = False) -> None:
        """Make the folder of a new run, with what `config` leaves open settled.

        Args:
            keep_teacher: as for `settle`.

        Raises:
            TrainingError: there is a run already, the folder cannot be written, or votes are needed that are not there.
            FerError: it is a visitor's run in a hosted app, and goes beyond what a visitor may.
        """
        with quotas.new_runs(self.path, config):
            config = settle(config, keep_teacher=keep_teacher)
            if self.exists():
                raise TrainingError(
                    f"{self.path} holds a run already: resume it with --resume {self.path}, or name another folder."
                )
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                config.save(self.path / "config.json")
                self.write_status("starting")
            except OSError as error:
                raise TrainingError(
                    f"The run folder {self.path} cannot be written: {error.strerror}."
                ) from None

    def config(self) -> RunConfig:
        """Raises ConfigError where the folder holds no valid configuration."""
        return RunConfig.load(self.path / "config.json")

    # --- records -----------------------------------------------------------------------------------------------------

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
        """A dict per finished epoch with the keys HISTORY_COLUMNS."""
        try:
            header, *lines = (self.path / "history.csv").read_text(encoding="utf-8").splitlines()
            columns = header.split(",")
            rows = [dict(zip(columns, map(float, line.split(",")), strict=True)) for line in lines]
        except (OSError, ValueError):
            return []
        return rows if set(HISTORY_COLUMNS) <= set(columns) else []

    def reserve_space(self) -> None:
        """Keep some space, see `free_reserve`."""
        (self.path / "reserve").write_bytes(b"\0" * _RESERVE)

    def free_reserve(self) -> None:
        """Give the kept space free, for the last words of a run that ends on a full disk."""
        (self.path / "reserve").unlink(missing_ok=True)


def _cell(value: float) -> str:
    return repr(int(value)) if isinstance(value, (bool, int)) else repr(float(value))


def new_run_folder(parent: Path, preset: str) -> RunFolder:
    """An unused folder below `parent` named after the time and the preset."""
    return RunFolder(unused_path(parent, preset))


def list_runs(parent: Path) -> list[RunFolder]:
    """The runs below `parent`, newest first."""
    if not parent.is_dir():
        return []
    runs = [RunFolder(p) for p in parent.iterdir() if (p / "config.json").is_file()]
    return sorted(runs, key=lambda run: run.status()["started"], reverse=True)


def open_run(path: Path) -> RunFolder:
    """The run in `path`.

    Raises:
        TrainingError: there is none.
    """
    run = RunFolder(path)
    if not run.exists():
        raise TrainingError(
            f"{path} is no run folder: expected a folder with the config.json of a training run."
        )
    try:
        run.config()
    except FerError as error:
        raise TrainingError(str(error)) from None
    return run
