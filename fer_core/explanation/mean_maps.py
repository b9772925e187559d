"""Mean maps: where a model looks for a class, averaged over faces of that class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PER_CLASS = 64
_BATCH = 16  # faces per request, so that progress is reported and other requests are served in between


@dataclass(frozen=True)
class MeanMaps:
    """Mean maps of C classes, in the order of `labels`."""

    labels: tuple[str, ...]
    maps: np.ndarray  # (C, 48, 48) float32 in 0..1; zeros for a class without faces
    faces: np.ndarray  # (C, 48, 48) uint8, mean of the same faces
    counts: np.ndarray  # (C,) int64, number of faces


def mean_maps(
    maps: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    indices: np.ndarray,
    true: np.ndarray,
    predicted: np.ndarray,
    labels: tuple[str, ...],
    model_labels: tuple[str, ...],
    per_class: int = PER_CLASS,
    seed: int = 0,
    on_progress: Callable[[float], None] = lambda share: None,
) -> MeanMaps:
    """Compute the mean map of each class over faces of that class that the model classifies correctly.

    Args:
        maps: Function (n, 48, 48) uint8 -> (n, C, 48, 48), such as `GradCamProcess.maps`, with classes in the
            order of `model_labels`.
        images: (M, 48, 48) uint8, of which only the necessary ones are read.
        indices: (N,) positions in `images` of the candidates.
        true: (N,) positions in `labels`.
        predicted: (N,) positions in `labels`.
        per_class: At most so many faces of each class, drawn at random.
        on_progress: Called with the share that is done, 0 to 1.
    """
    rng = np.random.default_rng(seed)
    right = [np.flatnonzero((true == c) & (predicted == c)) for c in range(len(labels))]
    selected = [
        np.sort(rng.choice(members, min(per_class, len(members)), replace=False)) for members in right
    ]
    total = sum(map(len, selected))
    out, faces, done = np.zeros((len(labels), 48, 48)), np.zeros((len(labels), 48, 48)), 0
    for c, positions in enumerate(selected):
        column = model_labels.index(labels[c])
        for start in range(0, len(positions), _BATCH):
            batch = np.asarray(images[indices[positions[start : start + _BATCH]]])
            out[c] += maps(batch)[:, column].sum(axis=0)
            faces[c] += batch.sum(axis=0)
            done += len(batch)
            on_progress(done / total)
    counts = np.array([len(positions) for positions in selected], np.int64)
    below = np.maximum(counts, 1)[:, None, None]
    return MeanMaps(
        labels, (out / below).astype(np.float32), np.round(faces / below).astype(np.uint8), counts
    )
