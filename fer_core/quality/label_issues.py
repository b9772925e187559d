"""Which labels are probably wrong, by confident learning (Northcutt et al. 2021, arXiv:1911.00068).

The method is a few lines; cleanlab, which has it too, is under the AGPL, which does not fit this project's licence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import UNLABELLED, Dataset
from ..data.votes import Votes
from ..errors import DataError
from ..evaluation.metrics import wilson_interval


@dataclass(frozen=True)
class LabelIssues:
    """Images whose label is in doubt, the most doubtful first."""

    indices: np.ndarray  # (n,) positions in the data set
    suggested: np.ndarray  # (n,) int64: the class that the model takes them for, as position in label_names
    doubt: np.ndarray  # (n,) float32: probability of that class minus the probability of the label
    joint: (
        np.ndarray
    )  # (C, C) int64: images by label (row) and the class that they are confidently of (column)


@dataclass(frozen=True)
class Lift:
    """How often FER+ voters dispute a label among the first issues, beside a random choice of as many images."""

    count: int
    disputed: int
    interval: tuple[float, float]
    random_rate: float  # over all images that the probabilities are known for

    @property
    def rate(self) -> float:
        return self.disputed / max(1, self.count)

    @property
    def lift(self) -> float:
        return self.rate / max(self.random_rate, 1e-9)


def label_issues(probabilities: np.ndarray, dataset: Dataset, indices: np.ndarray) -> LabelIssues:
    """Confident learning: an image is an issue where another class than its label is confidently predicted.

    Confident means: at least as probable as that class is on average for the images that carry its label.

    Args:
        probabilities: (n, C) of the images at `indices`, from a model that was not trained on them.

    Raises:
        DataError: no image has a label.
    """
    labels = dataset.labels[indices].astype(np.int64)
    known = labels != UNLABELLED
    indices, probabilities, labels = indices[known], probabilities[known], labels[known]
    if not len(labels):
        raise DataError(f"{dataset.source} has no labels here that could be wrong.")
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
    own = probabilities[np.arange(len(labels)), labels]
    doubt = (probabilities[np.arange(len(labels)), best] - own).astype(np.float32)
    issue = np.flatnonzero(sure & (best != labels) & (doubt > 0))
    issue = issue[np.argsort(-doubt[issue], kind="stable")]
    return LabelIssues(indices[issue], best[issue], doubt[issue], joint)


def lift(found: LabelIssues, dataset: Dataset, votes: Votes, among: np.ndarray, first: int = 500) -> Lift:
    """Whether people agree that the first issues are issues.

    A label is disputed where most FER+ voters chose something else, another expression, "unknown" or "not a face" among it.

    Args:
        among: the positions that the issues were looked for in.
    """
    disputed = disputes(dataset, votes)
    chosen = found.indices[:first]
    count = int(disputed[chosen].sum())
    return Lift(
        len(chosen), count, wilson_interval(count, max(1, len(chosen))), float(disputed[among].mean())
    )


def disputes(dataset: Dataset, votes: Votes) -> np.ndarray:
    """(N,) bool: more than half of the voters chose something else than the label."""
    total = votes.counts.sum(axis=1, dtype=np.int64)
    for_label = votes.for_classes()[np.arange(len(dataset)), np.maximum(dataset.labels, 0)].astype(np.int64)
    return (dataset.labels != UNLABELLED) & (total > 0) & (2 * (total - for_label) > total)
