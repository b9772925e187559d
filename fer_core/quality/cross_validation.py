"""Out-of-sample probabilities of all labelled images: each from a network that was trained without it and its copies.

The networks are trained by `fer_core.training.cross_validate`.
"""

from __future__ import annotations

import numpy as np

from ..data.dataset import Dataset
from . import kept


def folds(dataset: Dataset, count: int) -> np.ndarray:
    """(N,) int64 fold of each image, 0 to `count` - 1. Copies of an image are in one fold, since they share their digest."""
    return ((dataset.digests * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)).astype(np.int64) % count


def load(dataset: Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """The last cross-validation of these data: positions (n,) and probabilities (n, C) float32; None where there is none."""
    arrays = kept.load("cross-validation", dataset)
    return None if arrays is None else (arrays["indices"], arrays["probabilities"])


def store(dataset: Dataset, indices: np.ndarray, probabilities: np.ndarray) -> None:
    """Keep the probabilities (n, C) of the images at `indices` (n,)."""
    kept.store(
        "cross-validation", dataset, {"indices": indices, "probabilities": probabilities.astype(np.float32)}
    )
