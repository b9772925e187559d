"""Exact and near copies of images, in groups; those across splits and with different labels first.

Near copies are found by perceptual hash (imagehash's pHash, 64 bits) and confirmed by the correlation of their pixels, since
faces in the same pose are alike to the hash alone.
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
from . import kept

_BANDS = 8  # two hashes that differ in fewer bits than there are bands agree in one band at least
MAX_DISTANCE = 7
MIN_CORRELATION = (
    0.85  # looked at on FER2013: pairs down to there are the same photo, cut or compressed otherwise
)
_PAIRS_AT_ONCE = 200_000
_BUCKET_AT_MOST = 400  # of more images with the same bands, such as empty ones, not all are compared


@dataclass(frozen=True)
class CopyGroup:
    """Images that are copies of one another."""

    members: np.ndarray  # (n,) positions in the data set, by split and position
    exact: bool  # all are equal, pixel for pixel
    across_splits: bool
    different_labels: bool


def copy_groups(
    dataset: Dataset, near: bool = True, on_progress: Callable[[float], None] = lambda share: None
) -> list[CopyGroup]:
    """All groups of copies: those across splits with different labels first, then across splits, then with different labels.

    Args:
        near: also images that are the same but for brightness, compression or a pixel of shift.
        on_progress: called with the share that is done, 0 to 1.
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
    """(N,) bool: images outside train with an exact or near copy in it."""
    out, train = np.zeros(len(dataset), bool), SPLITS.index("train")
    for group in groups:
        splits = dataset.splits[group.members]
        if (splits == train).any():
            out[group.members[splits != train]] = True
    return out


def near_pairs(dataset: Dataset, on_progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
    """(P, 2) positions of images that are near, but not exact, copies. Hashing takes most of the time; the pairs are kept in the cache."""
    arrays = kept.load("near-copies", dataset)
    if arrays is None:
        distinct = np.sort(
            np.unique(dataset.digests, return_index=True)[1]
        )  # one of each group of exact copies will do
        arrays = {
            "pairs": _confirmed(
                dataset, distinct[_candidates(_hashes(dataset.images, distinct, on_progress))]
            )
        }
        kept.store("near-copies", dataset, arrays)
    return arrays["pairs"]


def _hashes(images: np.ndarray, chosen: np.ndarray, on_progress: Callable[[float], None]) -> np.ndarray:
    """(n,) uint64 of the images at the positions `chosen` (n,)."""
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    out = np.empty(len(chosen), np.uint64)
    for i, index in enumerate(chosen):
        bits = imagehash.phash(Image.fromarray(np.asarray(images[index]))).hash.ravel()
        out[i] = weights[bits].sum(dtype=np.uint64)
        if i % 500 == 0:
            on_progress(0.95 * i / len(chosen))
    return out


def _candidates(hashes: np.ndarray) -> np.ndarray:
    """(P, 2) pairs whose hashes differ in at most MAX_DISTANCE bits: by pigeonhole they agree in one of the bands."""
    found = [np.empty((0, 2), np.int64)]
    width = 64 // _BANDS
    for band in range(_BANDS):
        # A band alone is short: together with the next one it makes buckets that are small enough to compare within.
        value = (hashes >> np.uint64(band * width)) & np.uint64(2**width - 1)
        for second in range(band + 1, _BANDS):
            both = value * np.uint64(2**width) + (
                (hashes >> np.uint64(second * width)) & np.uint64(2**width - 1)
            )
            found.append(_within_buckets(both, hashes))
    return np.unique(np.concatenate(found), axis=0)


def _within_buckets(keys: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Pairs of close hashes with the same key: in the order of the keys each is compared with the next one, the one after it ..."""
    order = np.argsort(keys, kind="stable")
    keys, hashes, pairs = keys[order], hashes[order], []
    for ahead in range(1, _BUCKET_AT_MOST):
        here = np.flatnonzero(keys[:-ahead] == keys[ahead:])
        if not len(here):
            break
        close = here[np.bitwise_count(hashes[here] ^ hashes[here + ahead]) <= MAX_DISTANCE]
        pairs.append(np.sort(np.stack([order[close], order[close + ahead]], axis=1), axis=1))
    return np.concatenate(pairs) if pairs else np.empty((0, 2), np.int64)


def _confirmed(dataset: Dataset, pairs: np.ndarray) -> np.ndarray:
    kept_pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(pairs), _PAIRS_AT_ONCE // 100):
        part = pairs[start : start + _PAIRS_AT_ONCE // 100]
        one, other = (_normalised(dataset.images[part[:, side]]) for side in (0, 1))
        kept_pairs.append(part[(one * other).mean(axis=1) >= MIN_CORRELATION])
    return np.concatenate(kept_pairs)


def _normalised(images: np.ndarray) -> np.ndarray:
    flat = np.asarray(images, np.float32).reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
