"""ROC and precision-recall curves agree with scikit-learn's, class by class."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from fer_core.emotions import NAMES
from fer_core.metrics.curves import curves
from tests.metrics.test_classification import random_case


def test_areas_and_points_are_those_of_scikit_learn() -> None:
    probabilities, true = random_case(0)
    probabilities[np.arange(400), true] += 0.3
    found = curves(probabilities, true, NAMES)
    assert [curve.label for curve in found.roc] == list(NAMES) and not found.left_out
    for i, (roc, precision_recall) in enumerate(zip(found.roc, found.precision_recall, strict=True)):
        mine = true == i
        assert roc.positives == mine.sum()
        assert roc.area == reference.roc_auc_score(mine, probabilities[:, i])
        assert precision_recall.area == reference.average_precision_score(mine, probabilities[:, i])
        x, y, _ = reference.roc_curve(mine, probabilities[:, i])
        assert np.array_equal(roc.x, x) and np.array_equal(roc.y, y)
        precision, recall, _ = reference.precision_recall_curve(mine, probabilities[:, i])
        assert np.array_equal(precision_recall.x, recall) and np.array_equal(precision_recall.y, precision)
    one_against_rest = reference.roc_auc_score(np.eye(7)[true], probabilities, average="macro")
    assert found.macro_auc == pytest.approx(one_against_rest, abs=1e-12)


def test_a_class_without_images_is_left_out_with_a_word_why() -> None:
    probabilities, true = random_case(2, absent=1)
    found = curves(probabilities, true, NAMES)
    assert found.left_out == {"disgust": "no image of this class"} and "disgust" not in {
        curve.label for curve in found.roc
    }
    alone = curves(probabilities, np.full(400, 3), NAMES)
    assert (
        alone.left_out["happy"] == "all images are of this class"
        and alone.macro_auc is alone.mean_average_precision is None
    )


def test_what_is_drawn_has_few_points_and_the_same_area() -> None:
    rng = np.random.default_rng(3)
    true = rng.integers(0, 7, 4000)
    probabilities = rng.dirichlet(np.ones(7), 4000) + 0.4 * np.eye(7)[true]
    for curve in curves(probabilities, true, NAMES).precision_recall:
        kept = curve.to_draw(200)
        x, y = curve.x[kept], curve.y[kept]
        assert len(x) <= 200 and (x[0], y[0], x[-1], y[-1]) == (
            curve.x[0],
            curve.y[0],
            curve.x[-1],
            curve.y[-1],
        )
        assert abs(np.trapezoid(y, x)) == pytest.approx(abs(np.trapezoid(curve.y, curve.x)), abs=0.01)
