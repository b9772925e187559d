"""Accuracy and related metrics, in NumPy alone, with the definitions of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .calibration import expected_calibration_error
from .interval import wilson_interval


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class; a ratio with a zero denominator is 0."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Performance of a classifier on labelled images."""

    labels: tuple[str, ...]
    count: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    macro_f1: float
    per_class: dict[str, ClassFigures]
    confusion_matrix: np.ndarray  # (C, C) int64, rows true, columns predicted
    calibration_error: float = 0.0
    leaked: int | None = None  # images with a copy in the training split
    without_leaked: Evaluation | None = None  # of the other images; None if there are none

    @property
    def accuracy_without_leaked(self) -> float | None:
        return self.without_leaked.accuracy if self.without_leaked else None


def confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the confusion matrix, (C, C) int64, rows true, columns predicted."""
    return np.bincount(true.astype(np.int64) * classes + predicted, minlength=classes * classes).reshape(
        classes, classes
    )


def top_k_accuracy(probabilities: np.ndarray, true: np.ndarray, k: int = 2) -> float:
    """Return the share of the images (N, C) whose true class is among the `k` most probable.

    Of equal probabilities the first counts, as in argmax.
    """
    if not len(true):
        return 0.0
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return float((best == true[:, None]).any(axis=1).mean())


def evaluate(
    probabilities: np.ndarray, true: np.ndarray, labels: tuple[str, ...], leaked: np.ndarray | None = None
) -> Evaluation:
    """Evaluate `probabilities` (N, C) against `true` (N,), positions in `labels`.

    Macro-F1 is the mean over the classes that occur as true or predicted label, as in scikit-learn.

    Args:
        leaked: (N,) bool, the images with a copy in the training split.
    """
    predicted = probabilities.argmax(axis=1)
    matrix = confusion(true, predicted, len(labels))
    right = predicted == true
    hits, support, predicted_counts = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision = np.divide(hits, predicted_counts, out=np.zeros(len(labels)), where=predicted_counts > 0)
    recall = np.divide(hits, support, out=np.zeros(len(labels)), where=support > 0)
    f1 = np.divide(
        2 * hits, predicted_counts + support, out=np.zeros(len(labels)), where=predicted_counts + support > 0
    )
    occurs = predicted_counts + support > 0
    clean = None if leaked is None or leaked.all() else ~leaked
    return Evaluation(
        labels=labels,
        count=len(true),
        accuracy=float(right.mean()) if len(true) else 0.0,
        accuracy_ci95=wilson_interval(int(right.sum()), len(true)),
        macro_f1=float(f1[occurs].mean()) if occurs.any() else 0.0,
        per_class={
            name: ClassFigures(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, name in enumerate(labels)
        },
        confusion_matrix=matrix,
        calibration_error=expected_calibration_error(probabilities, true),
        leaked=None if leaked is None else int(leaked.sum()),
        without_leaked=None if clean is None else evaluate(probabilities[clean], true[clean], labels),
    )


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as plain JSON values, with the keys of `python -m fer_core evaluate --json`."""
    clean = evaluation.without_leaked
    return _summary(evaluation) | {
        "labels": list(evaluation.labels),
        "confusion_matrix": evaluation.confusion_matrix.tolist(),
        "leaked": evaluation.leaked,
        "accuracy_without_leaked": evaluation.accuracy_without_leaked,
        "without_leaked": None if clean is None else _summary(clean),
    }


def _summary(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "count": evaluation.count,
        "accuracy": evaluation.accuracy,
        "accuracy_ci95": list(evaluation.accuracy_ci95),
        "macro_f1": evaluation.macro_f1,
        "calibration_error": evaluation.calibration_error,
        "per_class": {name: vars(value).copy() for name, value in evaluation.per_class.items()},
    }
