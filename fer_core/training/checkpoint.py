"""Checkpoints: all that a run needs to resume exactly after its last finished epoch, in one npz file."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..data.dataset import Dataset
from ..errors import TrainingError, reason
from ..storage import write_atomically


@dataclass
class TrainState:
    """State of a run after an epoch, as a checkpoint holds it."""

    epoch: int = 0  # finished epochs
    best_accuracy: float = -1.0
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    average: list[np.ndarray] | None = None  # sum of weighted weights, see _update_average
    average_weight: float = 0.0
    best: list[np.ndarray] | None = None


def save_checkpoint(
    path: Path, state: TrainState, model: keras.Model, optimizer: keras.optimizers.Optimizer, fingerprint: str
) -> None:
    """Replace the file at `path` in one step."""
    scalars = {
        "epoch": state.epoch,
        "best_accuracy": state.best_accuracy,
        "best_epoch": state.best_epoch,
        "seconds": state.seconds,
        "history": state.history,
        "average_weight": state.average_weight,
        "fingerprint": fingerprint,
    }
    arrays: dict[str, np.ndarray] = {"state": np.frombuffer(json.dumps(scalars).encode(), np.uint8)}
    groups = {
        "weights": model.get_weights(),
        "optimizer": [keras.ops.convert_to_numpy(v) for v in optimizer.variables],
        "average": state.average or [],
        "best": state.best or [],
    }
    for group, values in groups.items():
        arrays |= {f"{group}_{i}": value for i, value in enumerate(values)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def load_checkpoint(
    path: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer, dataset: Dataset
) -> TrainState:
    """Set the weights and the optimizer from the file at `path`, and return the rest.

    Raises:
        TrainingError: The file is damaged, or belongs to another network or to other data.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        return _restore(arrays, json.loads(arrays.pop("state").tobytes()), model, optimizer, dataset)
    except TrainingError:
        raise
    except Exception as error:  # NumPy, JSON and Keras raise many kinds on damaged files
        raise TrainingError(f"{path} does not fit the run ({reason(error)}): start a new run.") from None


def finished_epochs(path: Path) -> int:
    """Return how many epochs the checkpoint at `path` has behind it; 0 where it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return int(json.loads(file["state"].tobytes())["epoch"])
    except Exception:  # `load_checkpoint` names the fault
        return 0


def _restore(
    arrays: dict[str, np.ndarray],
    scalars: dict[str, Any],
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    dataset: Dataset,
) -> TrainState:
    def group(name: str) -> list[np.ndarray]:
        return [arrays[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in arrays))]

    if scalars["fingerprint"] != dataset.fingerprint:
        raise TrainingError(
            f"The data of {dataset.source} changed since the run started (fingerprint "
            f"{scalars['fingerprint']}, now {dataset.fingerprint}): start a new run, or bring the old data "
            "back."
        )
    model.set_weights(group("weights"))
    for variable, value in zip(optimizer.variables, group("optimizer"), strict=True):
        variable.assign(value)
    return TrainState(
        epoch=scalars["epoch"],
        best_accuracy=scalars["best_accuracy"],
        best_epoch=scalars["best_epoch"],
        seconds=scalars["seconds"],
        history=scalars["history"],
        average_weight=scalars["average_weight"],
        average=group("average") or None,
        best=group("best") or None,
    )
