"""Losses and optimizers are what the settings say."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_core.config import TrainConfig
from fer_core.training.losses import make_losses
from fer_core.training.optimizer import make_optimizer


@pytest.mark.parametrize(("name", "kind"), [("sgd", keras.optimizers.SGD), ("adam", keras.optimizers.AdamW)])
def test_weight_decay_pulls_kernels_alone(name: str, kind: type) -> None:
    """With no gradient all that moves is what decays: by its share of the learning rate, and neither biases
    nor normalisation."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    model.set_weights([np.full(w.shape, 2.0, np.float32) for w in model.get_weights()])
    optimizer = make_optimizer(TrainConfig(optimizer=name, learning_rate=0.5, weight_decay=0.1))
    assert isinstance(optimizer, kind)
    optimizer.build(model.trainable_variables)
    optimizer.apply([np.zeros(v.shape, np.float32) for v in model.trainable_variables])
    left = {v.name: float(np.mean(v)) for v in model.trainable_variables}
    assert left == pytest.approx({"kernel": 2 * (1 - 0.5 * 0.1), "bias": 2, "gamma": 2, "beta": 2})


def test_without_decay_nothing_is_pulled() -> None:
    assert type(make_optimizer(TrainConfig())) is keras.optimizers.Adam
    sgd = make_optimizer(TrainConfig(optimizer="sgd", learning_rate=0.3))
    assert (
        sgd.weight_decay is None
        and sgd.momentum == 0.9
        and sgd.nesterov
        and float(sgd.learning_rate) == pytest.approx(0.3)
    )


def test_losses_are_cross_entropies() -> None:
    guess = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
    expected = -np.log([0.7, 0.1]).mean()
    sparse = make_losses(TrainConfig(loss="sparse_categorical_crossentropy"))
    assert float(sparse(np.array([0, 1]), guess)) == pytest.approx(expected, abs=1e-6)
    one_hot = np.eye(3, dtype=np.float32)[[0, 1]]
    assert float(make_losses(TrainConfig())(one_hot, guess)) == pytest.approx(expected, abs=1e-6)
    smooth = 0.7 * one_hot + 0.1
    assert float(make_losses(TrainConfig(label_smoothing=0.3))(one_hot, guess)) == pytest.approx(
        -(smooth * np.log(guess)).sum(1).mean(), abs=1e-6
    )
