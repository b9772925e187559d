"""Bootstrap intervals of each class cover the true figures, and never pretend certainty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import f1_score

from fer_core.metrics.bootstrap import figure_intervals
from fer_core.metrics.classification import confusion
from fer_core.metrics.interval import wilson_interval

# True confusion frequencies of three classes, in the population of images.
TRUTH = np.array([[0.30, 0.05, 0.05], [0.06, 0.24, 0.10], [0.02, 0.03, 0.15]])


def test_95_of_100_intervals_hold_the_true_figures() -> None:
    hits, support, predicted_counts = np.diag(TRUTH), TRUTH.sum(axis=1), TRUTH.sum(axis=0)
    f1 = 2 * hits / (support + predicted_counts)
    inside = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "macro": 0.0}
    trials = 300
    drawn = np.random.default_rng(0).multinomial(400, TRUTH.ravel(), trials).reshape(trials, 3, 3)
    for seed, matrix in enumerate(drawn):
        found = figure_intervals(matrix, resamples=400, seed=seed)
        for name, true in (("precision", hits / predicted_counts), ("recall", hits / support), ("f1", f1)):
            ends = getattr(found, name)
            inside[name] += np.mean((ends[:, 0] <= true) & (true <= ends[:, 1])) / trials
        inside["macro"] += (found.macro_f1[0] <= f1.mean() <= found.macro_f1[1]) / trials
    assert all(0.92 < share < 0.98 for share in inside.values()), inside


def test_macro_f1_agrees_with_scipys_bootstrap_of_scikit_learns_figure() -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 7, 300)
    predicted = np.where(rng.random(300) < 0.6, true, rng.integers(0, 7, 300))
    expected = bootstrap(
        (true, predicted),
        lambda t, p: f1_score(t, p, average="macro"),
        paired=True,
        vectorized=False,
        n_resamples=300,
        method="percentile",
        rng=0,
    ).confidence_interval
    found = figure_intervals(confusion(true, predicted, 7))
    assert found.macro_f1 == pytest.approx((expected.low, expected.high), abs=0.012)


def test_a_few_images_that_are_all_right_or_all_wrong_are_no_certainty() -> None:
    found = figure_intervals(np.array([[50, 0, 0], [0, 3, 0], [4, 0, 0]]))
    assert tuple(found.recall[1]) == wilson_interval(3, 3) and found.recall[1, 0] < 0.5
    assert tuple(found.recall[2]) == wilson_interval(0, 4) and found.recall[2, 1] > 0.4
    assert tuple(found.precision[2]) == (0, 1), "never predicted: nothing is known"


def test_the_same_seed_gives_the_same_and_no_image_nothing() -> None:
    matrix = np.array([[9, 1], [2, 8]])
    assert np.array_equal(figure_intervals(matrix).f1, figure_intervals(matrix).f1)
    assert figure_intervals(np.zeros((2, 2), int)).macro_f1 == (0, 1)
