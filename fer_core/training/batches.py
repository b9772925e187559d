"""Batches of one epoch. All random numbers come from (seed, epoch, batch), so a resumed run gets the same
ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from ..config import RunConfig
from ..data.augment import augment, mixup
from .schedule import class_weights
from .targets import PREDICTIONS, VOTES, Targets

_AHEAD = 4


class EpochBatches(Sequence[tuple[Any, ...]]):
    """Shuffled, augmented batches (images (B, 48, 48, 1) float32 in 0..255, targets, sample weights)."""

    def __init__(
        self, images: np.ndarray, targets: Targets, config: RunConfig, num_classes: int, epoch: int
    ) -> None:
        self._images, self._targets, self._config, self._classes = images, targets, config, num_classes
        self._epoch = epoch
        self._order = np.random.default_rng([config.train.seed, epoch]).permutation(len(images))
        self._class_weights = (
            class_weights(targets.labels, num_classes) if config.train.class_weight == "balanced" else None
        )

    def __len__(self) -> int:
        return -(-len(self._order) // self._config.train.batch_size)

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        config, train = self._config.augment, self._config.train
        rng = np.random.default_rng([train.seed, self._epoch, index, 1])
        chosen = self._order[index * train.batch_size : (index + 1) * train.batch_size]
        labels = self._targets.labels[chosen]
        images = (
            augment(self._images[chosen], config, rng)
            if config.active
            else self._images[chosen].astype(np.float32)
        )
        weights = None if self._class_weights is None else self._class_weights[labels]
        if train.integer_labels:
            return (images[..., None], labels.astype(np.int32), *(() if weights is None else (weights,)))
        targets = (
            np.eye(self._classes, dtype=np.float32)[labels]
            if self._targets.soft is None
            else self._targets.soft[chosen]
        )
        if self._targets.votes is None or self._targets.votes_weights is None:
            if config.mixup:
                images, (targets,) = mixup(images, [targets], config.mixup, rng)
            return (images[..., None], targets, *(() if weights is None else (weights,)))
        votes = self._targets.votes[chosen]
        if config.mixup:
            images, (targets, votes) = mixup(images, [targets, votes], config.mixup, rng)
        weights = np.ones(len(chosen), np.float32) if weights is None else weights
        return (
            images[..., None],
            {PREDICTIONS: targets, VOTES: votes},
            {PREDICTIONS: weights, VOTES: self._targets.votes_weights[chosen]},
        )


def prefetch(batches: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the batches in order; a thread makes the next ones meanwhile, since OpenCV and NumPy release the
    GIL."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting: deque[Future[tuple[Any, ...]]] = deque(
            pool.submit(batches.__getitem__, i) for i in range(min(_AHEAD, len(batches)))
        )
        try:
            for i in range(len(batches)):
                batch = waiting.popleft().result()
                if i + _AHEAD < len(batches):
                    waiting.append(pool.submit(batches.__getitem__, i + _AHEAD))
                yield batch
        finally:
            for future in waiting:
                future.cancel()
