"""Cross-validated probabilities: for each labelled image, from a network trained without its copies.

`fer_core.runs.cross_validate` trains the networks.
"""

from __future__ import annotations

import numpy as np

from ..data.dataset import Dataset
from . import result_cache


def folds(dataset: Dataset, count: int) -> np.ndarray:
    """Return the fold of each image, 0 to `count` - 1, (N,) int64.

    Copies share a fold, since they share their digest.
    """
    return ((dataset.digests * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)).astype(np.int64) % count


def load(dataset: Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the last cross-validation of this data, or None.

    Returns:
        Positions (n,) and probabilities (n, C) float32.
    """
    arrays = result_cache.load("cross-validation", dataset)
    return None if arrays is None else (arrays["indices"], arrays["probabilities"])


def store(dataset: Dataset, indices: np.ndarray, probabilities: np.ndarray) -> None:
    """Store the probabilities (n, C) of the images at `indices` (n,)."""
    result_cache.store(
        "cross-validation", dataset, {"indices": indices, "probabilities": probabilities.astype(np.float32)}
    )
