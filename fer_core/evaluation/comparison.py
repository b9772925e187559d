"""Paired comparison of two models on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError, ModelError
from .record import EvaluationRecord

SIGNIFICANT = 0.05
_RESAMPLES = 10_000


@dataclass(frozen=True)
class Comparison:
    """Model B against model A on the same images.

    `only_a` and so on are positions of images in ascending order.
    """

    count: int
    accuracy_a: float
    accuracy_b: float
    interval: tuple[float, float]  # 95% interval of the difference
    p_value: float  # McNemar's exact test, two-sided
    comparisons: int  # number of models compared with A at once; 0.05 is divided by it (Bonferroni)
    only_a: np.ndarray  # A is right, B is wrong
    only_b: np.ndarray
    both_wrong_differently: np.ndarray

    @property
    def difference(self) -> float:
        return self.accuracy_b - self.accuracy_a

    @property
    def noise(self) -> bool:
        """Return whether chance explains the difference: no rejection, or an interval with 0."""
        low, high = self.interval
        return self.p_value * self.comparisons >= SIGNIFICANT or low <= 0 <= high

    def sentence(self, a: str, b: str) -> str:
        """Describe the verdict in words."""
        points, (low, high) = 100 * self.difference, (100 * end for end in self.interval)
        if len(self.only_a) == len(self.only_b):
            text = f"{b} is right on as many images as {a}"
        else:
            text = (
                f"{b} is right on {abs(points):.1f} points {'more' if points > 0 else 'fewer'} images "
                f"than {a}"
            )
            if points < 0:
                low, high = -high, -low
        tail = "this difference is noise" if self.noise else "this is more than noise"
        if self.comparisons > 1:
            tail += f" among {self.comparisons} comparisons"
        return f"{text}, 95% interval {low:.1f} to {high:.1f}, {p_in_words(self.p_value)}: {tail}."


def p_in_words(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def compare(
    a: np.ndarray, b: np.ndarray, true: np.ndarray, comparisons: int = 1, seed: int = 0
) -> Comparison:
    """Compare the probabilities `a` and `b` (N, C) against `true` (N,), paired by image.

    The interval is a paired bootstrap over images (Efron and Tibshirani 1993): the difference depends only on
    how many images one model alone has right, so these counts are drawn. The test is McNemar's exact test
    (1947, doi:10.1007/BF02295996): among the images that only one model has right, each should have half by
    chance.

    Raises:
        DataError: There are no images, or their numbers differ.
    """
    from scipy.stats import binomtest

    if not len(true) or len(a) != len(true) or len(b) != len(true):
        raise DataError(
            f"Two models are compared on the same images: expected equally many answers, got {len(a):,} "
            f"and {len(b):,}."
        )
    chosen_a, chosen_b = a.argmax(axis=1), b.argmax(axis=1)
    right_a, right_b = chosen_a == true, chosen_b == true
    only_a, only_b = np.flatnonzero(right_a & ~right_b), np.flatnonzero(right_b & ~right_a)
    discordant = len(only_a) + len(only_b)
    same = len(true) - discordant
    drawn = np.random.default_rng(seed).multinomial(
        len(true), np.array([len(only_a), len(only_b), same]) / len(true), _RESAMPLES
    )
    low, high = np.percentile((drawn[:, 1] - drawn[:, 0]) / len(true), [2.5, 97.5])
    return Comparison(
        count=len(true),
        accuracy_a=float(right_a.mean()),
        accuracy_b=float(right_b.mean()),
        interval=(float(low), float(high)),
        p_value=float(binomtest(len(only_b), discordant).pvalue) if discordant else 1.0,
        comparisons=comparisons,
        only_a=only_a,
        only_b=only_b,
        both_wrong_differently=np.flatnonzero(~right_a & ~right_b & (chosen_a != chosen_b)),
    )


def compare_records(a: EvaluationRecord, b: EvaluationRecord, comparisons: int = 1) -> Comparison:
    """Compare two records, whose classes may have different orders.

    Raises:
        DataError: The records are of different images, or one is scored against labels and the other against
            votes.
        ModelError: The models have different classes.
    """
    if a.fingerprint != b.fingerprint or not np.array_equal(a.rows, b.rows):
        raise DataError(
            f"Two models are compared on the same images, but {a.model} was scored on {len(a):,} images of "
            f"{a.source} ({a.split}) and "
            f"{b.model} on {len(b):,} of {b.source} ({b.split}): score both on the same split of the same "
            "data."
        )
    answers = by_names(b.probabilities, b.labels, a.labels)
    if not np.array_equal(np.array(a.labels)[a.true], np.array(b.labels)[b.true]):
        raise DataError(
            f"{a.model} is scored against {a.truth} and {b.model} against {b.truth}, which differ: score "
            "both against the same truth."
        )
    return compare(a.probabilities, answers, a.true, comparisons)


def by_names(probabilities: np.ndarray, labels: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Reorder the columns of `probabilities` from `labels` to `wanted`, since labels travel by name.

    Raises:
        ModelError: The names differ.
    """
    if set(labels) != set(wanted):
        raise ModelError(
            f"Compared models must have the same classes: expected {', '.join(wanted)}, got "
            f"{', '.join(labels)}."
        )
    return probabilities[:, [labels.index(name) for name in wanted]]
