"""ROC and precision-recall curves of each class against the rest, through scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Curve of one class against the rest."""

    label: str
    positives: int
    x: np.ndarray  # (p,) false positive rate (ROC), or recall
    y: np.ndarray  # (p,) recall (ROC), or precision
    thresholds: np.ndarray  # (p,) probability from which an image counts as of this class at each point
    area: float  # area under the ROC curve, or average precision

    def to_draw(self, points: int = 200) -> np.ndarray:
        """Return the positions of at most about so many points, including the ends, for drawing."""
        if len(self.x) <= points:
            return np.arange(len(self.x))
        # Even steps along the curve, since a good ROC curve climbs within a few hundredths.
        way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(self.x)) + np.abs(np.diff(self.y)))])
        keep = np.unique(np.searchsorted(way, np.linspace(0, way[-1], points - 2)).clip(0, len(way) - 1))
        return np.union1d(keep, [0, len(self.x) - 1])


@dataclass(frozen=True)
class Curves:
    """Curves of the classes with both positive and negative images."""

    roc: tuple[Curve, ...]
    precision_recall: tuple[Curve, ...]
    left_out: dict[str, str]  # label -> reason why there is no curve

    @property
    def macro_auc(self) -> float | None:
        """Return the unweighted mean of the areas under the ROC curves."""
        return float(np.mean([curve.area for curve in self.roc])) if self.roc else None

    @property
    def mean_average_precision(self) -> float | None:
        return (
            float(np.mean([curve.area for curve in self.precision_recall])) if self.precision_recall else None
        )


def curves(probabilities: np.ndarray, true: np.ndarray, labels: tuple[str, ...]) -> Curves:
    """Compute the curves of `probabilities` (N, C) against `true` (N,), positions in `labels`.

    Average precision is the step-wise sum, not the trapezoidal rule, which is too optimistic (Davis and
    Goadrich 2006, doi:10.1145/1143844.1143874).
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    roc, precision_recall, left_out = [], [], {}
    for i, label in enumerate(labels):
        of_class = true == i
        positives = int(of_class.sum())
        if not positives or positives == len(true):
            left_out[label] = "no image of this class" if not positives else "all images are of this class"
            continue
        scores = probabilities[:, i]
        x, y, thresholds = roc_curve(of_class, scores)
        roc.append(Curve(label, positives, x, y, thresholds, float(roc_auc_score(of_class, scores))))
        precision, recall, thresholds = precision_recall_curve(of_class, scores)
        area = float(average_precision_score(of_class, scores))
        thresholds = np.append(thresholds, np.inf)  # the last point counts no image
        precision_recall.append(Curve(label, positives, recall, precision, thresholds, area))
    return Curves(tuple(roc), tuple(precision_recall), left_out)
