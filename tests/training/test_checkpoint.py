"""A checkpoint gives back all that it was given, and refuses what does not fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.errors import TrainingError
from fer_core.training.checkpoint import TrainState, load_checkpoint, save_checkpoint


def network(units: int = 3) -> tuple[keras.Model, keras.optimizers.Optimizer]:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
        ]
    )
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def arrays(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    return [*model.get_weights(), *(keras.ops.convert_to_numpy(v) for v in optimizer.variables)]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return open_dataset("synthetic:70")


@pytest.fixture
def saved(tmp_path: Path, dataset: Dataset) -> tuple[Path, TrainState, list[np.ndarray]]:
    model, optimizer = network()
    optimizer.apply([np.ones(v.shape, np.float32) * i for i, v in enumerate(model.trainable_variables)])
    weights = model.get_weights()
    state = TrainState(
        2,
        0.5,
        1,
        12.5,
        [{"epoch": 1, "loss": 0.1 + 0.2, "best": True}],
        [w + 1 for w in weights],
        0.3,
        [w + 2 for w in weights],
    )
    save_checkpoint(tmp_path / "checkpoint.npz", state, model, optimizer, dataset.fingerprint)
    return tmp_path / "checkpoint.npz", state, arrays(model, optimizer)


def test_everything_comes_back_to_the_last_bit(saved, dataset: Dataset) -> None:
    path, state, before = saved
    model, optimizer = network()
    got = load_checkpoint(path, model, optimizer, dataset)
    for old, new in zip(before, arrays(model, optimizer), strict=True):
        assert np.array_equal(old, new) and old.dtype == new.dtype
    for item in dataclasses.fields(TrainState):
        old, new = getattr(state, item.name), getattr(got, item.name)
        if item.name in ("average", "best"):
            assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))
        else:
            assert old == new, item.name


def test_what_was_not_there_stays_away(tmp_path: Path, dataset: Dataset) -> None:
    model, optimizer = network()
    save_checkpoint(tmp_path / "checkpoint.npz", TrainState(epoch=1), model, optimizer, dataset.fingerprint)
    assert load_checkpoint(tmp_path / "checkpoint.npz", model, optimizer, dataset) == TrainState(epoch=1)


def refused(path: Path, dataset: Dataset, words: str, units: int = 3) -> None:
    with pytest.raises(TrainingError, match=words) as caught:
        load_checkpoint(path, *network(units), dataset)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("left", [0.0, 0.5, 0.98])
def test_a_damaged_checkpoint_is_refused(saved, dataset: Dataset, left: float) -> None:
    path, _, _ = saved
    path.write_bytes(path.read_bytes()[: int(left * path.stat().st_size)])
    refused(path, dataset, "does not fit the run")


def test_a_checkpoint_of_another_network_is_refused(saved, dataset: Dataset) -> None:
    refused(saved[0], dataset, "does not fit the run", units=5)


def test_a_checkpoint_of_other_data_is_refused(saved) -> None:
    refused(saved[0], open_dataset("synthetic:70:1"), "changed since the run started")
