"""The runs of a folder as a table with a row for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundles.bundle import CARD, read_bundle
from ..config import RunConfig
from ..errors import FerError
from ..metrics.classification import wilson_interval
from .registry import Registry, RunNotes
from .run_folder import RunFolder, list_runs


@dataclass(frozen=True)
class RunRow:
    """A run with its state and results; None where they are not known yet."""

    run: RunFolder
    notes: RunNotes
    state: str
    message: str
    started: float  # s since 1970
    config: RunConfig | None
    fingerprint: str | None
    best_accuracy: float | None  # on validation
    best_epoch: int | None
    interval: tuple[float, float] | None  # of the best accuracy, 95%
    epochs: int  # finished
    seconds: float  # of training
    parameters: int | None

    @property
    def title(self) -> str:
        return self.notes.title or self.run.name

    def as_json(self) -> dict[str, Any]:
        config = self.config
        return {
            "name": self.run.name,
            "path": str(self.run.path),
            "title": self.notes.title,
            "note": self.notes.note,
            "sweep": self.notes.sweep,
            "state": self.state,
            "message": self.message,
            "started": self.started,
            "data": config.data.source if config else None,
            "fingerprint": self.fingerprint,
            "data_notes": self.run.status().get("data_notes", []),
            "preset": config.preset if config else None,
            "epochs": self.epochs,
            "epochs_planned": config.train.epochs if config else None,
            "best_validation_accuracy": self.best_accuracy,
            "best_validation_accuracy_ci95": self.interval,
            "best_epoch": self.best_epoch,
            "parameters": self.parameters,
            "seconds": self.seconds,
        }


def run_rows(parent: Path) -> list[RunRow]:
    """Return the runs below `parent`, newest first; damaged files of a run are left out of its row.

    Raises:
        TrainingError: The registry is damaged.
    """
    notes = Registry(parent).notes()
    return [run_row(run, notes.get(run.name, RunNotes())) for run in list_runs(parent)]


def run_row(run: RunFolder, notes: RunNotes) -> RunRow:
    """Return the row of one run."""
    status, history = run.status(), run.history()
    try:
        config = run.config()
    except FerError:
        config = None
    best, interval = best_epoch(history, status)
    parameters = status.get("parameters")
    if parameters is None and (run.bundle / CARD).is_file():  # of an older version
        try:
            parameters = read_bundle(run.bundle).card.get("parameters")
        except FerError:
            parameters = None
    return RunRow(
        run,
        notes,
        status["state"],
        str(status["message"]),
        status["started"],
        config,
        status.get("fingerprint"),
        best["val_accuracy"] if best else None,
        int(best["epoch"]) if best else None,
        interval,
        len(history),
        sum(row["seconds"] for row in history),
        parameters if isinstance(parameters, int) else None,
    )


def best_epoch(
    history: list[dict[str, float]], status: dict[str, Any]
) -> tuple[dict[str, float] | None, tuple[float, float] | None]:
    """Return the epoch with the best validation accuracy and its 95% interval; None where they are not
    known."""
    best = max(history, key=lambda row: row["val_accuracy"]) if history else None
    count = status.get("validation_images")
    if best is None or not isinstance(count, int) or count <= 0:
        return best, None
    return best, wilson_interval(round(best["val_accuracy"] * count), count)
