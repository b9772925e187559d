"""Learning rates, class weights and batches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from fer_core.config import RunConfig
from fer_core.training.batches import EpochBatches, prefetch
from fer_core.training.schedule import class_weights, learning_rate
from fer_core.training.targets import Targets


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
    batches = EpochBatches(images, Targets(labels), config(batch_size=16), 7, epoch=3)
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
        return EpochBatches(images, Targets(labels), settings, 7, epoch)[index][0]

    assert np.array_equal(batch(2, 1), batch(2, 1))
    assert not np.array_equal(batch(2, 1), batch(3, 1))


def marked(count: int) -> np.ndarray:
    """Images whose grey level is their position."""
    return np.arange(count, dtype=np.uint8)[:, None, None].repeat(48, 1).repeat(48, 2)


def test_targets_and_weights_stay_with_their_images() -> None:
    """Of both outputs, in every batch: the labels' weights are those of the classes, the votes' those of the
    images."""
    rng = np.random.default_rng(0)
    labels, soft, votes = np.arange(50) % 3, rng.dirichlet(np.ones(7), 50), rng.dirichlet(np.ones(7), 50)
    targets = Targets(labels, soft, votes, rng.uniform(0, 1, 50))
    for class_weight in ("none", "balanced"):
        batches = EpochBatches(
            marked(50), targets, config(batch_size=16, class_weight=class_weight), 7, epoch=1
        )
        expected = np.ones(50) if class_weight == "none" else class_weights(labels, 7)[labels]
        for i in range(len(batches)):
            pixels, wanted, weights = batches[i]
            which = pixels[:, 0, 0, 0].astype(int)
            assert np.array_equal(wanted["predictions"], soft[which]) and np.array_equal(
                wanted["votes"], votes[which]
            )
            assert np.allclose(weights["predictions"], expected[which])
            assert np.array_equal(weights["votes"], targets.votes_weights[which])


def test_mixup_blends_both_targets_by_the_shares_of_the_images() -> None:
    levels = np.linspace(0, 240, 7)
    labels = np.arange(70) % 7
    images = np.broadcast_to(levels[labels][:, None, None], (70, 48, 48)).astype(np.uint8)
    votes = np.eye(7, dtype=np.float32)[(labels + 1) % 7]
    settings = config(batch_size=32).override("augment", mixup=0.5)
    pixels, wanted, _ = EpochBatches(images, Targets(labels, None, votes, np.ones(70)), settings, 7, epoch=0)[
        0
    ]
    assert np.allclose(wanted["predictions"] @ levels, pixels[:, 0, 0, 0], atol=1e-2)
    assert np.allclose(wanted["votes"], np.roll(wanted["predictions"], 1, axis=1), atol=1e-6)
    assert (wanted["predictions"].max(1) < 0.99).any()


def test_batches_made_ahead_come_in_order_and_end_when_nobody_wants_more() -> None:
    made = []

    class Batches(list):
        def __getitem__(self, index: int) -> tuple[int]:
            made.append(index)
            if index == 12:
                raise ValueError("a bad batch")
            return (index,)

    assert [batch for (batch,) in prefetch(Batches(range(9)))] == list(range(9))
    with pytest.raises(ValueError, match="a bad batch"):
        list(prefetch(Batches(range(20))))
    made.clear()
    ahead = prefetch(Batches(range(10)))
    next(ahead)
    ahead.close()
    assert len(made) < 10
