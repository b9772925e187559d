"""How far confidence lies from accuracy, and the temperature that mends it."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.evaluation.calibration import BINS, expected_calibration_error, fit_temperature, rescale


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sampled(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are over-confident by `temperature`, and classes drawn from what the right ones would be."""
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
    """Ten bins: 0.9 and 0.95 share one, half of them right (gap 0.425); 0.6 and 0.7 have one each (gaps 0.4 and 0.7)."""
    probabilities = two_classes([0.9, 0.95, 0.6, 0.7])
    assert expected_calibration_error(probabilities, np.array([0, 1, 0, 1]), bins=10) == pytest.approx((2 * 0.425 + 0.4 + 0.7) / 4)


@pytest.mark.parametrize("bins", [1, 10, BINS])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_calibration_error_is_that_of_a_straightforward_loop(temperature: float, bins: int) -> None:
    probabilities, true = sampled(600, temperature)
    probabilities[:40] = np.eye(7)[true[:40] // 2]  # quite sure, which belongs to the last range
    got = expected_calibration_error(probabilities, true, bins)
    assert got == pytest.approx(by_hand(probabilities, true, bins), abs=1e-12)
    assert expected_calibration_error(probabilities.astype(np.float32), true, bins) == pytest.approx(got, abs=1e-6)


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
    assert np.allclose(scaled, softmax(np.log(probabilities) / temperature), atol=1e-12) and np.allclose(scaled.sum(axis=1), 1)
    assert np.allclose(rescale(scaled, 1 / temperature), probabilities, atol=1e-9)


def test_a_higher_temperature_is_less_sure() -> None:
    probabilities = softmax(np.random.default_rng(1).normal(0, 2, (50, 7)))
    tops = [rescale(probabilities, t).max(axis=1) for t in (0.5, 1.0, 2.0)]
    assert np.all(tops[0] > tops[1]) and np.all(tops[1] > tops[2])
    assert np.isfinite(rescale(np.eye(7), 0.2)).all()
