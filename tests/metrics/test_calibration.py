"""Calibration error and temperature scaling."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from fer_core.metrics.calibration import (
    BINS,
    coverage_curve,
    cross_entropy,
    expected_calibration_error,
    fit_temperature,
    recalibrated,
    reliability,
    rescale,
    selective_accuracy,
)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sampled(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities over-confident by `temperature`, and classes drawn from the right ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, 7))
    true = (softmax(logits).cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return softmax(logits * temperature), true


def two_classes(confidences: list[float]) -> np.ndarray:
    """Rows that choose class 0 with these confidences."""
    return np.array([[c, 1 - c] for c in confidences])


def by_hand(probabilities: np.ndarray, true: np.ndarray, bins: int) -> float:
    """The definition of Naeini et al., bin by bin."""
    error = 0.0
    for b in range(bins):
        confidence, right = [], []
        for row, label in zip(probabilities, true, strict=True):
            top = max(row)
            if b / bins <= top < (b + 1) / bins or (b == bins - 1 and top == 1):
                confidence.append(top)
                right.append(int(row.argmax()) == label)
        if confidence:
            error += len(confidence) / len(true) * abs(np.mean(right) - np.mean(confidence))
    return error


def test_calibration_error_of_a_worked_example() -> None:
    """0.9 and 0.95 share one of ten bins, half of them right (gap 0.425).

    0.6 and 0.7 have one each (gaps 0.4, 0.7).
    """
    probabilities = two_classes([0.9, 0.95, 0.6, 0.7])
    assert expected_calibration_error(probabilities, np.array([0, 1, 0, 1]), bins=10) == pytest.approx(
        (2 * 0.425 + 0.4 + 0.7) / 4
    )


@pytest.mark.parametrize("bins", [1, 10, BINS])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_calibration_error_is_that_of_a_straightforward_loop(temperature: float, bins: int) -> None:
    probabilities, true = sampled(600, temperature)
    probabilities[:40] = np.eye(7)[true[:40] // 2]  # quite sure, which belongs to the last range
    got = expected_calibration_error(probabilities, true, bins)
    assert got == pytest.approx(by_hand(probabilities, true, bins), abs=1e-12)
    assert expected_calibration_error(probabilities.astype(np.float32), true, bins) == pytest.approx(
        got, abs=1e-6
    )


def test_who_is_sure_and_right_has_no_error_and_who_is_sure_and_wrong_all_of_it() -> None:
    sure = np.eye(7)[[0, 3, 6]]
    assert expected_calibration_error(sure, np.array([0, 3, 6])) == 0
    assert expected_calibration_error(sure, np.array([1, 2, 5])) == 1
    assert expected_calibration_error(np.empty((0, 7)), np.empty(0, int)) == 0


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_of_sampled_answers_is_found(temperature: float) -> None:
    probabilities, true = sampled(20_000, temperature)
    fitted = fit_temperature(probabilities, true)
    assert fitted == pytest.approx(temperature, rel=0.04)
    mended = rescale(probabilities, fitted)
    assert expected_calibration_error(mended, true) < 0.01
    assert np.array_equal(mended.argmax(1), probabilities.argmax(1)), "it must not change what is chosen"


def test_the_fitted_temperature_has_the_smallest_cross_entropy() -> None:
    probabilities, true = sampled(400, 1.7, seed=3)

    def cross_entropy(temperature: float) -> float:
        return float(-np.log(softmax(np.log(probabilities) / temperature)[np.arange(len(true)), true]).mean())

    fitted = fit_temperature(probabilities, true)
    assert all(cross_entropy(fitted) <= cross_entropy(fitted * factor) for factor in (0.8, 0.95, 1.05, 1.25))


def test_temperatures_stay_within_reason() -> None:
    """Also where all are right or wrong, or a probability is zero."""
    probabilities = np.eye(7)[[0, 1, 2]]
    for true in (np.array([0, 1, 2]), np.array([6, 6, 6])):
        assert 0.19 < fit_temperature(probabilities, true) < 5.01


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_rescaling_divides_logits_and_can_be_undone(temperature: float) -> None:
    probabilities = softmax(np.random.default_rng(0).normal(0, 1, (50, 7)))
    scaled = rescale(probabilities, temperature)
    assert np.allclose(scaled, softmax(np.log(probabilities) / temperature), atol=1e-12) and np.allclose(
        scaled.sum(axis=1), 1
    )
    assert np.allclose(rescale(scaled, 1 / temperature), probabilities, atol=1e-9)


def test_a_higher_temperature_is_less_sure() -> None:
    probabilities = softmax(np.random.default_rng(1).normal(0, 2, (50, 7)))
    tops = [rescale(probabilities, t).max(axis=1) for t in (0.5, 1.0, 2.0)]
    assert np.all(tops[0] > tops[1]) and np.all(tops[1] > tops[2])
    assert np.isfinite(rescale(np.eye(7), 0.2)).all()


def test_reliability_adds_up_to_the_calibration_error_and_to_all_images() -> None:
    probabilities, true = sampled(2000, 2.0)
    found = reliability(probabilities, true)
    assert sum(b.right.count for b in found) == 2000
    assert sum(b.right.hits for b in found) == (probabilities.argmax(1) == true).sum()
    gaps = sum(b.right.count * abs(b.confidence - b.right.share) for b in found) / 2000
    assert gaps == pytest.approx(expected_calibration_error(probabilities, true), abs=1e-12)
    for b in found:
        low, high = b.right.interval
        assert b.low <= b.confidence <= b.high and low <= b.right.share <= high
    expected = calibration_curve(probabilities.argmax(1) == true, probabilities.max(1), n_bins=BINS)
    assert np.allclose([b.right.share for b in found], expected[0]) and np.allclose(
        [b.confidence for b in found], expected[1]
    )


def test_a_threshold_withholds_answers_below_it() -> None:
    probabilities = two_classes([0.9, 0.6, 0.55, 0.8])
    answers = selective_accuracy(probabilities, np.array([0, 1, 0, 0]), 0.6)
    assert (answers.answered.hits, answers.answered.count) == (3, 4) and (
        answers.right.hits,
        answers.right.count,
    ) == (2, 3)
    assert answers.sentence().startswith(
        "Unsure below 60%: 75% of faces answered, 67% of them right (95% interval 21% to 94%)"
    )
    assert "no face is answered" in selective_accuracy(probabilities, np.array([0, 1, 0, 0]), 1.0).sentence()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_coverage_curve_is_every_threshold(kind: type) -> None:
    probabilities, true = sampled(500, 1.5)
    probabilities[:30] = np.round(probabilities[:30], 2)  # some lie on a threshold
    probabilities = probabilities.astype(kind)
    curve = coverage_curve(probabilities, true)
    assert curve[0].answered.hits == 500 and curve[0].right.share == (probabilities.argmax(1) == true).mean()
    for answers in curve:
        alone = selective_accuracy(probabilities, true, answers.threshold)
        assert (answers.answered, answers.right) == (alone.answered, alone.right)


def test_a_temperature_is_never_judged_on_the_images_it_was_fitted_on() -> None:
    probabilities, true = sampled(4000, 2.0)
    found = recalibrated(probabilities, true)
    assert (
        "other half" in found.source
        and found.temperature == pytest.approx(2, rel=0.1)
        and found.before is probabilities
    )
    assert (
        expected_calibration_error(found.after, true)
        < 0.03
        < 0.1
        < expected_calibration_error(found.before, true)
    )
    # Random answers leave nothing to learn; fitted on themselves they would still gain a little.
    rng = np.random.default_rng(0)
    few, classes = rng.dirichlet(np.ones(7), 12), rng.integers(0, 7, 12)
    halves = {
        fit_temperature(few[part], classes[part])
        for part in (np.random.default_rng(0).permutation(12) % 2 == k for k in (0, 1))
    }
    applied = [
        np.log(few[i, 0] / few[i, 1]) / np.log(r[0] / r[1])
        for i, r in enumerate(recalibrated(few, classes).after)
    ]
    first = np.random.default_rng(0).permutation(12) % 2 == 0
    assert {round(t, 6) for t in applied} == {round(t, 6) for t in halves}
    assert np.allclose(np.array(applied)[first], fit_temperature(few[~first], classes[~first]))


def test_other_images_give_the_temperature_where_there_are_any() -> None:
    probabilities, true = sampled(300, 2.0)
    others = sampled(3000, 2.0, seed=5)
    found = recalibrated(probabilities, true, others=others)
    assert found.temperature == fit_temperature(*others) and np.allclose(
        found.after, rescale(probabilities, found.temperature)
    )


def test_a_model_with_a_temperature_inside_is_shown_without_it_first() -> None:
    logits = np.random.default_rng(2).normal(0, 2, (50, 7))
    shipped = softmax(logits / 1.6)
    found = recalibrated(shipped, np.zeros(50, int), inside=1.6)
    assert found.after is shipped and np.allclose(found.before, softmax(logits), atol=1e-9)


def test_one_image_has_no_temperature() -> None:
    found = recalibrated(two_classes([0.9]), np.array([0]))
    assert found.temperature == 1 and "too few" in found.source


def test_cross_entropy_is_scikit_learns_log_loss() -> None:
    probabilities, true = sampled(300, 1.5)
    assert cross_entropy(probabilities, true) == pytest.approx(
        log_loss(true, probabilities, labels=range(7)), abs=1e-12
    )
