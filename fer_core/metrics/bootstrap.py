"""Bootstrap intervals of the figures of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .interval import wilson_interval


@dataclass(frozen=True)
class FigureIntervals:
    """95% intervals (low, high) of the figures of C classes, in the order of the confusion matrix."""

    precision: np.ndarray  # (C, 2)
    recall: np.ndarray  # (C, 2)
    f1: np.ndarray  # (C, 2)
    macro_f1: tuple[float, float]


def figure_intervals(matrix: np.ndarray, resamples: int = 1000, seed: int = 0) -> FigureIntervals:
    """Compute percentile intervals by bootstrap over images (Efron and Tibshirani 1993, chapter 13).

    To draw n images with replacement is to draw the cells of their confusion matrix from a multinomial
    distribution, so the matrix is all that is needed. If none or all images of a class are right, every
    resample has the same result and would pretend certainty: the Wilson interval is used instead, and (0, 1)
    for a class that does not occur.

    Args:
        matrix: (C, C) counts, rows true, columns predicted.
    """
    classes, count = len(matrix), int(matrix.sum())
    hits, support, predicted_counts = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    if not count:
        nothing = np.tile([0.0, 1.0], (classes, 1))
        return FigureIntervals(nothing, nothing.copy(), nothing.copy(), (0.0, 1.0))
    drawn = (
        np.random.default_rng(seed)
        .multinomial(count, matrix.ravel() / count, resamples)
        .reshape(resamples, classes, classes)
    )
    right = np.diagonal(drawn, axis1=1, axis2=2).astype(np.float64)  # (resamples, C)
    true, predicted = drawn.sum(axis=2), drawn.sum(axis=1)
    f1 = _ratio(2 * right, true + predicted)
    macro = np.nanmean(f1, axis=1)
    return FigureIntervals(
        precision=_ends(_ratio(right, predicted), hits, predicted_counts),
        recall=_ends(_ratio(right, true), hits, support),
        f1=_ends(f1, hits, np.minimum(predicted_counts, support)),
        macro_f1=(float(np.percentile(macro, 2.5)), float(np.percentile(macro, 97.5))),
    )


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _ends(figures: np.ndarray, hits: np.ndarray, counts: np.ndarray) -> np.ndarray:
    out = np.empty((len(hits), 2))
    for i, (hit, count) in enumerate(zip(hits, counts, strict=True)):
        varies = hit > 0 and np.nanmin(figures[:, i]) < np.nanmax(figures[:, i])
        out[i] = (
            np.nanpercentile(figures[:, i], [2.5, 97.5]) if varies else wilson_interval(int(hit), int(count))
        )
    return out
