"""Nearest neighbours: the faces with the most similar features."""

from __future__ import annotations

import numpy as np

_CHUNK = 16_384


def nearest(features: np.ndarray, index: int, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Find the images nearest to the one at `index`, without itself.

    Args:
        features: (N, F), see `embedding.features`.

    Returns:
        Positions (k,) and cosine similarities (k,), the most similar first; k is `count`, or less in a small
        data set.
    """
    query = features[index].astype(np.float32)
    query /= max(float(np.linalg.norm(query)), 1e-9)
    similarity = np.empty(len(features), np.float32)
    for start in range(0, len(features), _CHUNK):  # limits the memory of the float32 copies
        part = features[start : start + _CHUNK].astype(np.float32)
        similarity[start : start + _CHUNK] = part @ query / np.maximum(np.linalg.norm(part, axis=1), 1e-9)
    similarity[index] = -np.inf
    count = min(count, len(features) - 1)
    nearest_positions = (
        np.argpartition(-similarity, count - 1)[:count] if count > 0 else np.empty(0, np.int64)
    )
    nearest_positions = nearest_positions[np.argsort(-similarity[nearest_positions], kind="stable")]
    return nearest_positions, similarity[nearest_positions]
