"""The loss and the optimizer, as a `TrainConfig` describes them."""

from __future__ import annotations

from typing import Any

import keras

from ..config import TrainConfig


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    common: dict[str, Any] = {"learning_rate": config.learning_rate}
    if config.weight_decay:
        common["weight_decay"] = config.weight_decay
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **common)
    elif config.weight_decay:
        optimizer = keras.optimizers.AdamW(**common)
    else:
        optimizer = keras.optimizers.Adam(**common)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def make_loss(config: TrainConfig) -> keras.losses.Loss:
    if config.loss.startswith("sparse"):
        return keras.losses.SparseCategoricalCrossentropy()
    return keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
