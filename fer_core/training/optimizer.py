"""The loss, the optimizer and its learning rate, as a `TrainConfig` describes them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ..config import TrainConfig


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """The learning rate of `epoch` (from 0): a linear warm-up, then constant or half a cosine (arXiv:1608.03983)."""
    if epoch < config.warmup_epochs:
        return config.learning_rate * (epoch + 1) / (config.warmup_epochs + 1)
    if config.schedule == "constant":
        return config.learning_rate
    done = (epoch - config.warmup_epochs) / max(1, config.epochs - config.warmup_epochs)
    return config.learning_rate * 0.5 * (1 + float(np.cos(np.pi * done)))


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
