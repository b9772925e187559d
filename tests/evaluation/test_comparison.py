"""Paired comparison of two models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_core.emotions import NAMES
from fer_core.errors import DataError, ModelError
from fer_core.evaluation.comparison import by_names, compare, compare_records
from fer_core.evaluation.record import EvaluationRecord


def answers(predicted: np.ndarray) -> np.ndarray:
    return np.eye(7)[predicted] * 0.7 + 0.3 / 7


def with_counts(
    both: int, only_a: int, only_b: int, neither: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return answers of two models with these numbers of right ones; both are equal where both are wrong."""
    a = np.repeat([0, 0, 1, 1], [both, only_a, only_b, neither])
    b = np.repeat([0, 1, 0, 1], [both, only_a, only_b, neither])
    return answers(a), answers(b), np.zeros(len(a), int)


def record(
    probabilities: np.ndarray, true: np.ndarray, labels: tuple[str, ...] = NAMES, model: str = "a"
) -> EvaluationRecord:
    count = len(true)
    zeros = np.zeros(count, np.float32)
    return EvaluationRecord(
        labels,
        probabilities.astype(np.float32),
        true,
        np.arange(count),
        zeros,
        zeros,
        zeros,
        None,
        None,
        model,
        "test",
        "none",
        "labels",
        "data.csv",
        "abc",
    )


def test_mcnemars_test_of_a_known_example() -> None:
    """Fagerland et al. 2013 (doi:10.1186/1471-2288-13-91), table 1: 1 and 7 pairs, exact p = 0.070."""
    found = compare(*with_counts(1, 1, 7, 12))
    assert found.p_value == pytest.approx(0.0703, abs=5e-5) and found.noise
    assert (len(found.only_a), len(found.only_b), found.count) == (1, 7, 21)


def test_positions_are_those_of_the_images() -> None:
    a, b, true = (
        answers(np.array([0, 0, 1, 1, 1, 0])),
        answers(np.array([0, 1, 0, 1, 2, 3])),
        np.zeros(6, int),
    )
    found = compare(a, b, true)
    assert (
        found.only_a.tolist() == [1, 5]
        and found.only_b.tolist() == [2]
        and found.both_wrong_differently.tolist() == [4]
    )
    assert found.difference == pytest.approx(-1 / 6) and found.accuracy_a == 0.5


def test_a_small_difference_is_called_noise_and_a_large_one_is_not() -> None:
    found = compare(*with_counts(2400, 180, 205, 804))
    assert found.noise and found.interval[0] < 0 < found.interval[1]
    assert found.sentence("small", "big").startswith(
        "big is right on 0.7 points more images than small, 95% interval -0.4 to 1.8, p = 0.2"
    )
    assert found.sentence("small", "big").endswith("this difference is noise.")
    found = compare(*with_counts(2400, 260, 100, 829))
    assert not found.noise and found.interval[1] < 0 and found.p_value < 0.001
    message = found.sentence("A", "B")
    assert (
        message.startswith("B is right on 4.5 points fewer images than A, 95% interval 3.")
        and "to 5." in message
        and "p < 0.001" in message
    )
    assert message.endswith("this is more than noise.")


def test_many_comparisons_ask_for_more() -> None:
    counts = (2400, 160, 205, 824)
    alone, among = compare(*with_counts(*counts)), compare(*with_counts(*counts), comparisons=10)
    assert (
        alone.p_value == among.p_value
        and not alone.noise
        and among.noise
        and "10 comparisons" in among.sentence("A", "B")
    )


def test_95_of_100_intervals_hold_the_true_difference_and_5_of_100_equal_models_differ_at_most() -> None:
    rng = np.random.default_rng(0)
    covered = alarms = 0
    for _ in range(200):
        covered += (lambda c: c.interval[0] <= 0.04 <= c.interval[1])(
            compare(*with_counts(*rng.multinomial(500, [0.6, 0.08, 0.12, 0.2])))
        )
        alarms += not compare(*with_counts(*rng.multinomial(500, [0.6, 0.1, 0.1, 0.2]))).noise
    assert 0.92 < covered / 200 < 0.98 and alarms / 200 < 0.06


def test_a_model_does_not_differ_from_itself() -> None:
    a, _, true = with_counts(5, 0, 0, 3)
    found = compare(a, a, true)
    assert found.p_value == 1 and found.noise and "on as many images" in found.sentence("A", "A")


def test_classes_in_another_order_are_compared_by_name() -> None:
    a, b, true = with_counts(30, 5, 9, 4)
    order = [6, 5, 4, 3, 2, 1, 0]
    other = record(b[:, order], np.array([order.index(t) for t in true]), tuple(NAMES[i] for i in order), "b")
    found = compare_records(record(a, true), other)
    assert (len(found.only_a), len(found.only_b)) == (5, 9)
    with pytest.raises(ModelError, match="expected angry, disgust"):
        by_names(a, ("x", *NAMES[1:]), NAMES)


def test_other_images_or_another_truth_are_refused() -> None:
    a, b, true = with_counts(30, 5, 9, 4)
    first, second = record(a, true), record(b, true, model="b")
    for other, word in (
        (replace(second, rows=second.rows + 1), "same images"),
        (replace(second, fingerprint="def"), "same images"),
        (second.only(np.arange(9)), "on 9 of data.csv"),
        (replace(second, true=second.true + 1, truth="votes"), "same truth"),
    ):
        with pytest.raises(DataError, match=word):
            compare_records(first, other)
    with pytest.raises(DataError, match="same images"):
        compare(a[:0], b[:0], true[:0])
