"""Metrics agree with scikit-learn's."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as reference

from fer_core.emotions import NAMES
from fer_core.metrics.calibration import expected_calibration_error
from fer_core.metrics.classification import evaluate, figures, top_k_accuracy, wilson_interval


def random_case(seed: int, absent: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 7, 400)
    probabilities = rng.dirichlet(np.ones(7), 400)
    if absent is not None:
        true = np.where(true == absent, 3, true)
        probabilities[:, absent] = 0
    return probabilities, true


@pytest.mark.parametrize(("seed", "absent"), [(0, None), (1, None), (2, 1)])
def test_figures_agree_with_scikit_learn(seed: int, absent: int | None) -> None:
    probabilities, true = random_case(seed, absent)
    predicted = probabilities.argmax(1)
    result = evaluate(probabilities, true, NAMES)
    assert result.accuracy == pytest.approx(reference.accuracy_score(true, predicted), abs=1e-12)
    assert result.macro_f1 == pytest.approx(reference.f1_score(true, predicted, average="macro"), abs=1e-12)
    assert np.array_equal(
        result.confusion_matrix, reference.confusion_matrix(true, predicted, labels=range(7))
    )
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        true, predicted, labels=range(7), zero_division=0
    )
    for i, name in enumerate(NAMES):
        got = result.per_class[name]
        assert (got.precision, got.recall, got.f1, got.support) == pytest.approx(
            (precision[i], recall[i], f1[i], support[i]), abs=1e-12
        )


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_accuracy_agrees_with_scikit_learn(k: int) -> None:
    probabilities, true = random_case(7)
    assert top_k_accuracy(probabilities, true, k) == pytest.approx(
        reference.top_k_accuracy_score(true, probabilities, k=k), abs=1e-12
    )


def test_of_equally_probable_classes_the_first_ones_count() -> None:
    assert top_k_accuracy(np.full((3, 7), 1 / 7), np.array([0, 1, 2])) == pytest.approx(2 / 3)
    assert top_k_accuracy(np.empty((0, 7)), np.empty(0, int)) == 0


@pytest.mark.parametrize(("right", "count"), [(2512, 3589), (0, 10), (10, 10), (3, 7)])
def test_wilson_interval_agrees_with_scipy(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert wilson_interval(right, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_without_images_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0, 1)


def test_leaked_images_are_left_out() -> None:
    probabilities = np.eye(7)[[0, 1, 2, 2]]
    result = evaluate(
        probabilities, np.array([0, 1, 2, 3]), NAMES, leaked=np.array([True, False, False, False])
    )
    assert (
        result.accuracy == 0.75
        and result.leaked == 1
        and result.accuracy_without_leaked == pytest.approx(2 / 3)
    )
    assert figures(result)["accuracy_without_leaked"] == pytest.approx(2 / 3)


def test_without_leaked_is_the_evaluation_of_the_rest_alone() -> None:
    probabilities, true = random_case(3)
    leaked = np.random.default_rng(4).random(400) < 0.3
    reported = figures(evaluate(probabilities, true, NAMES, leaked))
    alone = figures(evaluate(probabilities[~leaked], true[~leaked], NAMES))
    assert reported["leaked"] == leaked.sum() and reported["count"] == 400
    assert reported["accuracy_without_leaked"] == alone["accuracy"]
    assert reported["without_leaked"] == {key: alone[key] for key in reported["without_leaked"]}
    assert set(reported["without_leaked"]) >= {
        "count",
        "accuracy",
        "accuracy_ci95",
        "macro_f1",
        "calibration_error",
        "per_class",
    }
    assert alone["leaked"] is alone["without_leaked"] is alone["accuracy_without_leaked"] is None
    assert json.loads(json.dumps(reported)) == reported


def test_when_every_image_is_leaked_nothing_is_known_of_the_others() -> None:
    probabilities, true = random_case(5)
    reported = figures(evaluate(probabilities, true, NAMES, np.ones(400, bool)))
    assert (
        reported["leaked"] == 400
        and reported["without_leaked"] is reported["accuracy_without_leaked"] is None
    )
    clean = figures(evaluate(probabilities, true, NAMES, np.zeros(400, bool)))
    assert clean["leaked"] == 0 and clean["accuracy_without_leaked"] == clean["accuracy"]


def test_the_calibration_error_is_among_the_figures() -> None:
    probabilities, true = random_case(6)
    assert (
        figures(evaluate(probabilities, true, NAMES))["calibration_error"]
        == expected_calibration_error(probabilities, true)
        > 0
    )
