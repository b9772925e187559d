"""Batches for one epoch. Everything random follows from (seed, epoch, batch), so a resumed run sees the same batches."""

from __future__ import annotations

import keras
import numpy as np

from ..config import RunConfig
from ..data.augment import augment, mixup


class EpochBatches(keras.utils.PyDataset):
    """Shuffled, augmented batches (images (B, 48, 48, 1) float32 in 0..255, targets, sample weights).

    A thread prepares the next batches while the network works on one; OpenCV and NumPy release the GIL.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, config: RunConfig, num_classes: int, epoch: int) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)
        self._images, self._labels, self._config, self._classes = images, labels, config, num_classes
        self._epoch = epoch
        self._order = np.random.default_rng([config.train.seed, epoch]).permutation(len(images))
        self._class_weights = class_weights(labels, num_classes) if config.train.class_weight == "balanced" else None

    def __len__(self) -> int:
        return -(-len(self._order) // self._config.train.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        config, train = self._config.augment, self._config.train
        rng = np.random.default_rng([train.seed, self._epoch, index, 1])
        chosen = self._order[index * train.batch_size : (index + 1) * train.batch_size]
        labels = self._labels[chosen]
        images = augment(self._images[chosen], config, rng) if config.active else self._images[chosen].astype(np.float32)
        weights = () if self._class_weights is None else (self._class_weights[labels],)
        if train.loss.startswith("sparse"):
            return (images[..., None], labels.astype(np.int32), *weights)
        targets = np.eye(self._classes, dtype=np.float32)[labels]
        if config.mixup:
            images, targets = mixup(images, targets, config.mixup, rng)
        return (images[..., None], targets, *weights)


def class_weights(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """(C,) float32: n / (C n_c), scikit-learn's "balanced" weights; 0 for a class without images."""
    counts = np.bincount(labels, minlength=num_classes)
    present = counts > 0
    weights = np.zeros(num_classes, np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights
