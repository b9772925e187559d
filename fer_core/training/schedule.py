"""The learning rate by epoch and the weights of the classes, without Keras."""

from __future__ import annotations

import math

import numpy as np

from ..config import TrainConfig


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """Return the learning rate of `epoch` (from 0): a linear warm-up, then constant or half a cosine
    (arXiv:1608.03983)."""
    if epoch < config.warmup_epochs:
        return config.learning_rate * (epoch + 1) / (config.warmup_epochs + 1)
    if config.schedule == "constant":
        return config.learning_rate
    done = (epoch - config.warmup_epochs) / max(1, config.epochs - config.warmup_epochs)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def class_weights(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return (C,) float32 weights n / (C n_c), scikit-learn's "balanced"; 0 for a class without images."""
    counts = np.bincount(labels, minlength=num_classes)
    present = counts > 0
    weights = np.zeros(num_classes, np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights
