"""Agreement of FER+ voters and labels: by class, label against majority, and contested images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import UNLABELLED, Dataset
from ..data.vote_counts import COLUMNS, Votes


@dataclass(frozen=True)
class Agreement:
    """Agreement for C classes. Columns of `matrix` are the classes, "other" and "no majority"."""

    by_class: dict[str, tuple[int, int]]  # label -> (images whose majority agrees, images)
    # (C, C + 2) int64: label against the voters' majority, "other" (contempt, unknown, no face), no majority
    matrix: np.ndarray
    columns: tuple[str, ...]
    entropy: np.ndarray  # (N,) float32 bits: 0 where all voters agree


def agreement(dataset: Dataset, votes: Votes) -> Agreement:
    """Compare labels and votes over all labelled images."""
    classes = len(dataset.label_names)
    column = majority_columns(votes, classes)
    labelled = dataset.labels != UNLABELLED
    matrix = np.zeros((classes, classes + 2), np.int64)
    np.add.at(matrix, (dataset.labels[labelled].astype(int), column[labelled]), 1)
    by_class = {name: (int(matrix[i, i]), int(matrix[i].sum())) for i, name in enumerate(dataset.label_names)}
    return Agreement(by_class, matrix, (*dataset.label_names, "other", "no majority"), vote_entropy(votes))


def majority_columns(votes: Votes, classes: int) -> np.ndarray:
    """Return the column of `Agreement.matrix` for each image, (N,) int64."""
    majority = votes.majority().astype(np.int64)
    counts = np.where(votes.counts <= 1, 0, votes.counts).astype(np.int64)
    clear = 2 * counts.max(axis=1) > counts.sum(axis=1)
    return np.where(majority != UNLABELLED, majority, np.where(clear, classes, classes + 1))


def vote_entropy(votes: Votes) -> np.ndarray:
    """Return the Shannon entropy of the votes in bits, (N,) float32.

    It is at most log2(10), and higher if the image is more contested.
    """
    shares = votes.counts / np.maximum(votes.counts.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(shares > 0, -shares * np.log2(shares), 0.0)
    return terms.sum(axis=1).astype(np.float32)


def votes_in_words(votes: Votes, index: int) -> str:
    """Return the votes for one image, most frequent first: "sadness 6, fear 3, neutral 1"."""
    counts = votes.counts[index]
    order = np.argsort(-counts.astype(int), kind="stable")
    names = {"NF": "not a face"}
    return (
        ", ".join(f"{names.get(COLUMNS[i], COLUMNS[i])} {counts[i]}" for i in order if counts[i])
        or "no votes"
    )
