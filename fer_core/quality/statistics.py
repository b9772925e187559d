"""Brightness, contrast and sharpness of every image, mean faces, and what is odd about a data set, in sentences with figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import SPLITS, UNLABELLED, Dataset
from ..data.measures import measures
from . import kept

_CHUNK = 4096
# An image with less contrast than this is all but empty; FER2013 has some dozens.
_EMPTY_CONTRAST = 4.0


@dataclass(frozen=True)
class Statistics:
    """Of a data set with N images and C classes."""

    brightness: np.ndarray  # (N,) float32, and the two below, as of `data.measures`
    contrast: np.ndarray
    sharpness: np.ndarray
    mean_faces: np.ndarray  # (C, 48, 48) uint8; zeros for a class without images


def statistics(dataset: Dataset) -> Statistics:
    """The statistics of `dataset`, computed once (1 s for FER2013) and then kept in the cache."""
    arrays = kept.load("statistics", dataset)
    if arrays is None:
        arrays = _measure(dataset)
        kept.store("statistics", dataset, arrays)
    return Statistics(**arrays)


def _measure(dataset: Dataset) -> dict[str, np.ndarray]:
    sums, images_of = np.zeros((len(dataset.label_names), 48, 48)), np.zeros(len(dataset.label_names))
    for start in range(0, len(dataset), _CHUNK):  # a chunk at a time: the images may be mapped from a file
        images = np.asarray(dataset.images[start : start + _CHUNK])
        labels = dataset.labels[start : start + _CHUNK]
        for label in range(len(dataset.label_names)):
            chosen = images[labels == label]
            sums[label] += chosen.sum(axis=0, dtype=np.float64)
            images_of[label] += len(chosen)
    means = sums / np.maximum(images_of, 1)[:, None, None]
    return measures(dataset.images) | {"mean_faces": np.round(means).astype(np.uint8)}


def oddities(dataset: Dataset, measured: Statistics) -> list[str]:
    """What a look at the figures should not miss, a sentence each; none where nothing is odd."""
    found = [*_imbalance(dataset), *_different_splits(dataset), *_copies(dataset), *_empty(dataset, measured)]
    unlabelled = int((dataset.labels == UNLABELLED).sum())
    if unlabelled:
        found.append(
            f"{unlabelled:,} images have no label: they can be looked at and predicted, but neither trained on nor scored."
        )
    return found


def _imbalance(dataset: Dataset) -> list[str]:
    train = dataset.labels[(dataset.splits == SPLITS.index("train")) & (dataset.labels != UNLABELLED)]
    counts = np.bincount(train, minlength=len(dataset.label_names))
    if not counts.sum():
        return []
    most, least = int(counts.argmax()), int(counts.argmin())
    names = dataset.label_names
    if not counts[least]:
        missing = ", ".join(names[i] for i in np.flatnonzero(counts == 0))
        return [f"No training image is labelled {missing}: a network cannot learn it from these data."]
    if counts[most] < 3 * counts[least]:
        return []
    rarest = f"{names[least]} is rare: {counts[least]:,} training images, {counts[least] / counts.sum():.1%} of all"
    return [
        f"{rarest}; {names[most]} has {counts[most] / counts[least]:.0f} times as many. Accuracy says little about {names[least]}; look at its recall."
    ]


def _different_splits(dataset: Dataset) -> list[str]:
    """A class whose share differs between the splits by more than chance, and visibly."""
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
                f"{dataset.label_names[i]} is {share[i]:.1%} of {split}, but {base[i]:.1%} of train: figures on {split} weigh it differently."
            )
    return out


def _copies(dataset: Dataset) -> list[str]:
    distinct, group, sizes = np.unique(dataset.digests, return_inverse=True, return_counts=True)
    if len(distinct) == len(dataset):
        return []
    out = [f"{len(dataset) - len(distinct):,} of {len(dataset):,} images are exact copies of others."]
    for split in ("validation", "test"):
        here = np.flatnonzero(dataset.splits == SPLITS.index(split))
        leaked = int(dataset.leaked(here).sum()) if len(here) else 0
        if leaked:
            out.append(
                f"{leaked:,} of {len(here):,} {split} images ({leaked / len(here):.1%}) also stand in train: accuracy on them flatters a model."
            )
    order = np.argsort(group, kind="stable")
    labels = dataset.labels[order]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    differ = np.minimum.reduceat(labels, starts) != np.maximum.reduceat(labels, starts)
    if differ.any():
        out.append(
            f"{int(differ.sum()):,} images stand there several times with different labels: at most one of these labels can be right."
        )
    return out


def _empty(dataset: Dataset, measured: Statistics) -> list[str]:
    empty = int((measured.contrast < _EMPTY_CONTRAST).sum())
    return (
        [f"{empty:,} images are all but empty (contrast below {_EMPTY_CONTRAST:g} of 255)."] if empty else []
    )
