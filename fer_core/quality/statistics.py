"""Statistics of a data set: brightness, contrast, sharpness, mean faces, and oddities in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import SPLITS, UNLABELLED, Dataset
from ..data.measures import measures
from ..wording import plural
from . import result_cache

_CHUNK = 4096
# An image with less contrast is nearly empty; FER2013 has some dozens of them.
_EMPTY_CONTRAST = 4.0


@dataclass(frozen=True)
class Statistics:
    """Statistics of N images and C classes."""

    brightness: np.ndarray  # (N,) float32, like the two below; see `data.measures`
    contrast: np.ndarray
    sharpness: np.ndarray
    mean_faces: np.ndarray  # (C, 48, 48) uint8; zeros for a class without images


def statistics(dataset: Dataset) -> Statistics:
    """Compute the statistics of `dataset` (1 s for FER2013), or load them from the cache."""
    arrays = result_cache.load("statistics", dataset)
    if arrays is None:
        arrays = _measure(dataset)
        result_cache.store("statistics", dataset, arrays)
    return Statistics(**arrays)


def _measure(dataset: Dataset) -> dict[str, np.ndarray]:
    sums, images_of = np.zeros((len(dataset.label_names), 48, 48)), np.zeros(len(dataset.label_names))
    # In chunks, since the images may be mapped from a file.
    for start in range(0, len(dataset), _CHUNK):
        images = np.asarray(dataset.images[start : start + _CHUNK])
        labels = dataset.labels[start : start + _CHUNK]
        for label in range(len(dataset.label_names)):
            faces = images[labels == label]
            sums[label] += faces.sum(axis=0, dtype=np.float64)
            images_of[label] += len(faces)
    means = sums / np.maximum(images_of, 1)[:, None, None]
    return measures(dataset.images) | {"mean_faces": np.round(means).astype(np.uint8)}


def oddities(dataset: Dataset, measured: Statistics) -> list[str]:
    """Describe what is odd about a data set, one sentence each; an empty list if nothing is."""
    sentences = [
        *_imbalance(dataset),
        *_different_splits(dataset),
        *_copies(dataset),
        *_empty(dataset, measured),
    ]
    unlabelled = int((dataset.labels == UNLABELLED).sum())
    if unlabelled:
        sentences.append(
            f"{plural(unlabelled, 'image')} without a label: usable for browsing and prediction, but not for "
            "training or scoring."
        )
    return sentences


def _imbalance(dataset: Dataset) -> list[str]:
    train = dataset.labels[(dataset.splits == SPLITS.index("train")) & (dataset.labels != UNLABELLED)]
    counts = np.bincount(train, minlength=len(dataset.label_names))
    if not counts.sum():
        return []
    most, least = int(counts.argmax()), int(counts.argmin())
    names = dataset.label_names
    if not counts[least]:
        missing = ", ".join(names[i] for i in np.flatnonzero(counts == 0))
        return [f"No training image is labelled {missing}: a network cannot learn it from this data."]
    if counts[most] < 3 * counts[least]:
        return []
    rarest = (
        f"{names[least]} is rare: {plural(int(counts[least]), 'training image')}, "
        f"{counts[least] / counts.sum():.1%} of all"
    )
    return [
        f"{rarest}; {names[most]} has {counts[most] / counts[least]:.0f} times as many. Accuracy says "
        f"little about {names[least]}; look at its recall."
    ]


def _different_splits(dataset: Dataset) -> list[str]:
    """Find a class whose share differs between the splits significantly and visibly."""
    shares = {}
    for split in dataset.split_names():
        labels = dataset.labels[(dataset.splits == SPLITS.index(split)) & (dataset.labels != UNLABELLED)]
        if len(labels):
            shares[split] = (
                np.bincount(labels, minlength=len(dataset.label_names)) / len(labels),
                len(labels),
            )
    if "train" not in shares:
        return []
    base, base_count = shares.pop("train")
    out = []
    for split, (share, count) in shares.items():
        error = np.sqrt(base * (1 - base) * (1 / count + 1 / base_count)) + 1e-9
        for i in np.flatnonzero((np.abs(share - base) > 4 * error) & (np.abs(share - base) > 0.03)):
            out.append(
                f"{dataset.label_names[i]} is {share[i]:.1%} of {split}, but {base[i]:.1%} of train: "
                f"figures on {split} weigh it differently."
            )
    return out


def _copies(dataset: Dataset) -> list[str]:
    distinct, group, sizes = np.unique(dataset.digests, return_inverse=True, return_counts=True)
    if len(distinct) == len(dataset):
        return []
    out = [f"{len(dataset) - len(distinct):,} of {len(dataset):,} images are exact copies of others."]
    for split in ("validation", "test"):
        in_split = np.flatnonzero(dataset.splits == SPLITS.index(split))
        leaked = int(dataset.leaked(in_split).sum()) if len(in_split) else 0
        if leaked:
            out.append(
                f"{leaked:,} of {plural(len(in_split), f'{split} image')} ({leaked / len(in_split):.1%}) "
                f"also {'occurs' if leaked == 1 else 'occur'} in train: accuracy on them flatters a model."
            )
    order = np.argsort(group, kind="stable")
    labels = dataset.labels[order]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    differ = np.minimum.reduceat(labels, starts) != np.maximum.reduceat(labels, starts)
    if differ.any():
        out.append(
            f"{plural(int(differ.sum()), 'image')} with several labels: at most one label of each can be "
            "right."
        )
    return out


def _empty(dataset: Dataset, measured: Statistics) -> list[str]:
    empty = int((measured.contrast < _EMPTY_CONTRAST).sum())
    return (
        [f"{plural(empty, 'nearly empty image')} (contrast below {_EMPTY_CONTRAST:g} of 255)."]
        if empty
        else []
    )
