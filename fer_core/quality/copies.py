"""Groups of exact and near copies of images; those across splits and with different labels come first.

Near copies are found by perceptual hash (imagehash's pHash, 64 bits) and confirmed by the correlation of
their pixels, since the hash alone does not distinguish faces in the same pose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ..data.dataset import SPLITS, Dataset
from . import result_cache

# Two hashes that differ in fewer bits than there are bands agree in at least one band.
_BANDS = 8
MAX_DISTANCE = 7
# Checked on FER2013: pairs above it are the same photo with another crop or compression.
MIN_CORRELATION = 0.85
_PAIRS_AT_ONCE = 200_000
# If more images share the same bands, such as empty ones, not all are compared.
_MAX_BUCKET = 400


@dataclass(frozen=True)
class CopyGroup:
    """Images that are copies of one another."""

    members: np.ndarray  # (n,) positions in the data set, by split and position
    exact: bool  # whether all are equal, pixel for pixel
    across_splits: bool
    different_labels: bool


def copy_groups(
    dataset: Dataset, near: bool = True, on_progress: Callable[[float], None] = lambda share: None
) -> list[CopyGroup]:
    """Find all groups of copies.

    The order is: across splits with different labels, across splits, with different labels, others.

    Args:
        near: Also find images that differ only in brightness, compression or a pixel of shift.
        on_progress: Called with the share that is done, 0 to 1.
    """
    _, group = np.unique(dataset.digests, return_inverse=True)
    if near:
        pairs = near_pairs(dataset, on_progress)
        first = np.unique(group, return_index=True)[1]
        links = np.concatenate([np.stack([np.arange(len(group)), first[group]], axis=1), pairs])
        graph = coo_matrix((np.ones(len(links), bool), links.T), shape=(len(group), len(group)))
        group = connected_components(graph, directed=False)[1]
    on_progress(1.0)
    order = np.lexsort((np.arange(len(group)), dataset.splits, group))
    _, starts, counts = np.unique(group[order], return_index=True, return_counts=True)
    groups = []
    for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
        members = order[start : start + count]
        groups.append(
            CopyGroup(
                members,
                exact=len(np.unique(dataset.digests[members])) == 1,
                across_splits=len(np.unique(dataset.splits[members])) > 1,
                different_labels=len(np.unique(dataset.labels[members])) > 1,
            )
        )
    return sorted(
        groups,
        key=lambda g: (
            not (g.across_splits and g.different_labels),
            not g.across_splits,
            not g.different_labels,
            g.members[0],
        ),
    )


def leaked_near(dataset: Dataset, groups: list[CopyGroup]) -> np.ndarray:
    """Return which images outside train have an exact or near copy in it, (N,) bool."""
    out, train = np.zeros(len(dataset), bool), SPLITS.index("train")
    for group in groups:
        splits = dataset.splits[group.members]
        if (splits == train).any():
            out[group.members[splits != train]] = True
    return out


def near_pairs(dataset: Dataset, on_progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
    """Find near, but not exact, copies; the pairs are cached, since hashing takes most of the time.

    Returns:
        (P, 2) positions.
    """
    arrays = result_cache.load("near-copies", dataset)
    if arrays is None:
        # One of each group of exact copies is enough.
        distinct = np.sort(np.unique(dataset.digests, return_index=True)[1])
        arrays = {
            "pairs": _confirmed(
                dataset, distinct[_candidates(_hashes(dataset.images, distinct, on_progress))]
            )
        }
        result_cache.store("near-copies", dataset, arrays)
    return arrays["pairs"]


def _hashes(images: np.ndarray, selected: np.ndarray, on_progress: Callable[[float], None]) -> np.ndarray:
    """Return the hashes of the images at the positions `selected` (n,), (n,) uint64."""
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    out = np.empty(len(selected), np.uint64)
    for i, index in enumerate(selected):
        bits = imagehash.phash(Image.fromarray(np.asarray(images[index]))).hash.ravel()
        out[i] = weights[bits].sum(dtype=np.uint64)
        if i % 500 == 0:
            on_progress(0.95 * i / len(selected))
    return out


def _candidates(hashes: np.ndarray) -> np.ndarray:
    """Return pairs whose hashes differ in at most MAX_DISTANCE bits, (P, 2).

    By pigeonhole they agree in one of the bands.
    """
    pairs = [np.empty((0, 2), np.int64)]
    width = 64 // _BANDS
    for band in range(_BANDS):
        # A single band is short: two together make buckets small enough to compare within.
        value = (hashes >> np.uint64(band * width)) & np.uint64(2**width - 1)
        for second in range(band + 1, _BANDS):
            both = value * np.uint64(2**width) + (
                (hashes >> np.uint64(second * width)) & np.uint64(2**width - 1)
            )
            pairs.append(_within_buckets(both, hashes))
    return np.unique(np.concatenate(pairs), axis=0)


def _within_buckets(keys: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Return pairs of close hashes with the same key, by comparing each with the next ones in key order."""
    order = np.argsort(keys, kind="stable")
    keys, hashes, pairs = keys[order], hashes[order], []
    for ahead in range(1, _MAX_BUCKET):
        equal_keys = np.flatnonzero(keys[:-ahead] == keys[ahead:])
        if not len(equal_keys):
            break
        close = equal_keys[np.bitwise_count(hashes[equal_keys] ^ hashes[equal_keys + ahead]) <= MAX_DISTANCE]
        pairs.append(np.sort(np.stack([order[close], order[close + ahead]], axis=1), axis=1))
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)


def _confirmed(dataset: Dataset, pairs: np.ndarray) -> np.ndarray:
    kept_pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(pairs), _PAIRS_AT_ONCE // 100):
        part = pairs[start : start + _PAIRS_AT_ONCE // 100]
        first, second = (_normalised(dataset.images[part[:, side]]) for side in (0, 1))
        kept_pairs.append(part[(first * second).mean(axis=1) >= MIN_CORRELATION])
    return np.concatenate(kept_pairs)


def _normalised(images: np.ndarray) -> np.ndarray:
    flat = np.asarray(images, np.float32).reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
