"""The faces that a model finds most alike."""

from __future__ import annotations

import numpy as np

_CHUNK = 16_384


def nearest(features: np.ndarray, index: int, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The images nearest to the one at `index`, itself left out.

    Args:
        features: (N, F), see `embedding.features`.

    Returns:
        Their positions (k,) and their cosine similarities (k,), the most similar first; k is `count`, or fewer in a small data set.
    """
    wanted = features[index].astype(np.float32)
    wanted /= max(float(np.linalg.norm(wanted)), 1e-9)
    similarity = np.empty(len(features), np.float32)
    for start in range(0, len(features), _CHUNK):  # float32 of all at once would be large
        part = features[start : start + _CHUNK].astype(np.float32)
        similarity[start : start + _CHUNK] = part @ wanted / np.maximum(np.linalg.norm(part, axis=1), 1e-9)
    similarity[index] = -np.inf
    count = min(count, len(features) - 1)
    found = np.argpartition(-similarity, count - 1)[:count] if count > 0 else np.empty(0, np.int64)
    found = found[np.argsort(-similarity[found], kind="stable")]
    return found, similarity[found]
