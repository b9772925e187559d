"""What FER+ voters say about the labels: agreement by class, label against majority, and which images are contested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import UNLABELLED, Dataset
from ..data.votes import COLUMNS, Votes


@dataclass(frozen=True)
class Agreement:
    """Of a data set with C classes. Columns of `matrix` are the classes and then COLUMNS' others, with "no majority" last."""

    by_class: dict[str, tuple[int, int]]  # label -> (images whose majority agrees, images)
    matrix: np.ndarray  # (C, C + 2) int64: label against the voters' majority, "other" (contempt, unknown, no face), no majority
    columns: tuple[str, ...]
    entropy: np.ndarray  # (N,) float32 bits: 0 where all voters agree


def agreement(dataset: Dataset, votes: Votes) -> Agreement:
    """Compare labels and votes over all labelled images."""
    classes = len(dataset.label_names)
    column = majority_columns(votes, classes)
    known = dataset.labels != UNLABELLED
    matrix = np.zeros((classes, classes + 2), np.int64)
    np.add.at(matrix, (dataset.labels[known].astype(int), column[known]), 1)
    by_class = {name: (int(matrix[i, i]), int(matrix[i].sum())) for i, name in enumerate(dataset.label_names)}
    return Agreement(by_class, matrix, (*dataset.label_names, "other", "no majority"), vote_entropy(votes))


def majority_columns(votes: Votes, classes: int) -> np.ndarray:
    """(N,) int64: the column of `Agreement.matrix` that each image belongs to."""
    majority = votes.majority().astype(np.int64)
    counts = np.where(votes.counts <= 1, 0, votes.counts).astype(np.int64)
    clear = 2 * counts.max(axis=1) > counts.sum(axis=1)
    return np.where(majority != UNLABELLED, majority, np.where(clear, classes, classes + 1))


def vote_entropy(votes: Votes) -> np.ndarray:
    """(N,) float32 Shannon entropy of the votes in bits: the higher, the more contested; at most log2 of ten."""
    shares = votes.counts / np.maximum(votes.counts.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(shares > 0, -shares * np.log2(shares), 0.0)
    return terms.sum(axis=1).astype(np.float32)


def votes_in_words(votes: Votes, index: int) -> str:
    """The votes for one image, most first: "sadness 6, fear 3, neutral 1"."""
    counts = votes.counts[index]
    order = np.argsort(-counts.astype(int), kind="stable")
    names = {"NF": "not a face"}
    return (
        ", ".join(f"{names.get(COLUMNS[i], COLUMNS[i])} {counts[i]}" for i in order if counts[i])
        or "no votes"
    )
