"""Learning rates, class weights and batches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from fer_core.config import RunConfig
from fer_core.training.batches import EpochBatches, class_weights
from fer_core.training.trainer import learning_rate


def config(**train: object) -> RunConfig:
    return RunConfig().override("train", **train)


def test_cosine_with_warm_up() -> None:
    train = config(epochs=10, learning_rate=0.1, schedule="cosine", warmup_epochs=2).train
    rates = [learning_rate(train, epoch) for epoch in range(10)]
    assert rates[0] < rates[1] < rates[2] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(rates[2:])) and 0 < rates[-1] < 0.01


def test_class_weights_are_scikit_learns() -> None:
    labels = np.repeat(np.arange(7), [5, 1, 9, 20, 3, 3, 7])
    expected = compute_class_weight("balanced", classes=np.arange(7), y=labels)
    assert class_weights(labels, 7) == pytest.approx(expected)
    assert class_weights(np.array([0, 0, 2]), 3)[1] == 0  # an absent class


def test_an_epoch_shows_every_image_once_with_its_own_label() -> None:
    images = np.arange(50, dtype=np.uint8)[:, None, None].repeat(48, 1).repeat(48, 2)
    labels = np.arange(50) % 7
    seen = []
    batches = EpochBatches(images, labels, config(batch_size=16), 7, epoch=3)
    for i in range(len(batches)):
        pixels, targets = batches[i]
        assert pixels.shape[1:] == (48, 48, 1) and pixels.dtype == np.float32
        which = pixels[:, 0, 0, 0].astype(int)
        assert np.array_equal(targets.argmax(1), labels[which]) and np.allclose(targets.sum(1), 1)
        seen += which.tolist()
    assert sorted(seen) == list(range(50))


def test_batches_follow_from_seed_and_epoch_alone() -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 48, 48), dtype=np.uint8), rng.integers(0, 7, 40)
    settings = config(batch_size=16).override("augment", rotation=10.0, flip=True, erase=0.5, mixup=0.2)

    def batch(epoch: int, index: int) -> np.ndarray:
        return EpochBatches(images, labels, settings, 7, epoch)[index][0]

    assert np.array_equal(batch(2, 1), batch(2, 1))
    assert not np.array_equal(batch(2, 1), batch(3, 1))
