"""Confident learning: labels that are probably wrong (Northcutt et al. 2021, arXiv:1911.00068).

The method is a few lines; cleanlab, which has it too, is under the AGPL, which does not fit this project's
licence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import UNLABELLED, Dataset
from ..data.vote_counts import Votes
from ..errors import DataError
from ..metrics.classification import wilson_interval


@dataclass(frozen=True)
class LabelIssues:
    """Images with a doubtful label, the most doubtful first."""

    indices: np.ndarray  # (n,) positions in the data set
    suggested: np.ndarray  # (n,) int64: the class the model predicts, as position in label_names
    doubt: np.ndarray  # (n,) float32: probability of that class minus the probability of the label
    # (C, C) int64: images by label (row) and the class they confidently belong to (column)
    joint: np.ndarray


@dataclass(frozen=True)
class Lift:
    """Share of labels that FER+ voters dispute among the first issues and among all images."""

    count: int
    disputed: int
    interval: tuple[float, float]
    random_rate: float  # over all images with probabilities

    @property
    def rate(self) -> float:
        return self.disputed / max(1, self.count)

    @property
    def lift(self) -> float:
        return self.rate / max(self.random_rate, 1e-9)


def label_issues(probabilities: np.ndarray, dataset: Dataset, indices: np.ndarray) -> LabelIssues:
    """Find images for which another class than their label is confidently predicted.

    Confident means at least as probable as that class is on average for the images with its label.

    Args:
        probabilities: (n, C) of the images at `indices`, from a model that was not trained on them.

    Raises:
        DataError: No image has a label.
    """
    labels = dataset.labels[indices].astype(np.int64)
    labelled = labels != UNLABELLED
    indices, probabilities, labels = indices[labelled], probabilities[labelled], labels[labelled]
    if not len(labels):
        raise DataError(f"{dataset.source} has no labels to check.")
    classes = probabilities.shape[1]
    present = np.bincount(labels, minlength=classes) > 0
    thresholds = np.array(
        [probabilities[labels == c, c].mean() if present[c] else np.inf for c in range(classes)]
    )
    confident = np.where(probabilities >= thresholds - 1e-6, probabilities, -1.0)
    best = confident.argmax(axis=1)
    sure = confident.max(axis=1) >= 0
    joint = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[sure], best[sure]), 1)
    label_probability = probabilities[np.arange(len(labels)), labels]
    doubt = (probabilities[np.arange(len(labels)), best] - label_probability).astype(np.float32)
    issue = np.flatnonzero(sure & (best != labels) & (doubt > 0))
    issue = issue[np.argsort(-doubt[issue], kind="stable")]
    return LabelIssues(indices[issue], best[issue], doubt[issue], joint)


def lift(issues: LabelIssues, dataset: Dataset, votes: Votes, among: np.ndarray, first: int = 500) -> Lift:
    """Measure how often people dispute the first issues.

    A label is disputed if most FER+ voters chose something else, including another expression, "unknown" and
    "not a face".

    Args:
        among: Positions in which the issues were searched for.
    """
    disputed = disputes(dataset, votes)
    first_issues = issues.indices[:first]
    count = int(disputed[first_issues].sum())
    return Lift(
        len(first_issues),
        count,
        wilson_interval(count, max(1, len(first_issues))),
        float(disputed[among].mean()),
    )


def disputes(dataset: Dataset, votes: Votes) -> np.ndarray:
    """Return whether more than half of the voters chose something else than the label, (N,) bool."""
    total = votes.counts.sum(axis=1, dtype=np.int64)
    for_label = votes.for_classes()[np.arange(len(dataset)), np.maximum(dataset.labels, 0)].astype(np.int64)
    return (dataset.labels != UNLABELLED) & (total > 0) & (2 * (total - for_label) > total)
