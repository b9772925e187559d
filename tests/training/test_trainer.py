"""The training loop: which weights are kept, when it ends, and what it says when it cannot go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_core.errors import TrainingError
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.train import train
from fer_core.training import trainer

from .. import tiny

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("no_bundle")]


def watched(
    folder: Path, voted: Path, **settings: Any
) -> tuple[RunFolder, list[dict[str, list[np.ndarray]]]]:
    """A finished run, and what its checkpoint held after each epoch, by group."""
    run, seen = RunFolder(folder), []
    run.create(tiny.settings(voted, **settings))

    def look(progress: dict[str, Any]) -> None:
        if progress.get("finished_epoch"):
            with np.load(run.checkpoint, allow_pickle=False) as file:
                groups: dict[str, list[np.ndarray]] = {}
                for key in file.files:
                    groups.setdefault(key.split("_")[0], []).append(file[key])
            seen.append(groups)

    assert train(run, look) == "finished"
    return run, seen


def test_the_average_is_kept_and_training_goes_on_with_what_was_trained(voted: Path, tmp_path: Path) -> None:
    """A moving average over epochs that leaves no trace in the training itself."""
    _, plain = watched(tmp_path / "plain", voted, epochs=3)
    run, averaged = watched(tmp_path / "averaged", voted, epochs=3, average=0.5, keep="last")
    for one, other in zip(plain, averaged, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one["weights"], other["weights"], strict=True))
    for i, kept in enumerate(averaged[-1]["best"]):
        expected = sum(
            share * epoch["weights"][i] for share, epoch in zip((1 / 7, 2 / 7, 4 / 7), averaged, strict=True)
        )
        assert np.allclose(kept, expected, atol=1e-5)
    assert [row["loss"] for row in run.history()] == [
        row["loss"] for row in RunFolder(tmp_path / "plain").history()
    ]


def test_the_weights_of_the_best_epoch_are_kept(voted: Path, tmp_path: Path) -> None:
    run, seen = watched(tmp_path / "run", voted, learning_rate=0.03)
    rows = run.history()
    accuracies = [row["val_accuracy"] for row in rows]
    best = accuracies.index(max(accuracies))
    assert [row["best"] for row in rows] == [
        float(a > max(accuracies[:i], default=-1)) for i, a in enumerate(accuracies)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(seen[-1]["best"], seen[best]["weights"], strict=True))
    assert run.status()["best_epoch"] == best + 1 and run.status()["best_accuracy"] == accuracies[best]


def test_a_run_that_gets_no_better_ends_early(voted: Path, tmp_path: Path) -> None:
    run, seen = watched(tmp_path / "run", voted, learning_rate=1e-9, early_stopping=2, epochs=20)
    assert len(seen) == len(run.history()) == 1 + 2 and run.status()["state"] == "finished"


def test_a_loss_that_is_no_number_ends_the_run_with_advice(
    voted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        trainer,
        "make_losses",
        lambda config: lambda true, predicted: keras.ops.sum(predicted, axis=-1) * float("nan"),
    )
    run = RunFolder(tmp_path / "run")
    run.create(tiny.settings(voted))
    with pytest.raises(TrainingError, match="nan in epoch 1: choose a smaller learning rate"):
        train(run)
    assert run.status()["state"] == "failed" and "learning rate" in run.status()["message"]


def test_the_training_of_a_batch_is_traced_once(voted: Path, tmp_path: Path, monkeypatch) -> None:
    """Each time takes most of a second, and several with a large network."""
    traced = []
    step = keras.Model.train_step

    def counted(model: keras.Model, *arguments: Any) -> Any:
        traced.append(model)
        return step(model, *arguments)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    watched(tmp_path / "run", voted, epochs=2)
    watched(tmp_path / "votes", voted, epochs=1, votes_weight=1.0, class_weight="balanced")
    assert len(traced) == len({id(model) for model in traced}) == 2
