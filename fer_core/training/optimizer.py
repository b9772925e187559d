"""The optimizer of a run, as its settings describe it."""

from __future__ import annotations

from typing import Any

import keras

from ..config import TrainConfig


def make_optimizer(config: TrainConfig) -> keras.optimizers.Optimizer:
    """Return Adam, AdamW or SGD with Nesterov momentum; weight decay spares biases and normalisation."""
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
