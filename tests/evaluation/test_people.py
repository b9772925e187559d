"""FER+ voters as a reference: whose side a model takes, and whether it errs as people do."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.data.vote_counts import COLUMNS
from fer_core.emotions import NAMES
from fer_core.errors import DataError
from fer_core.evaluation.people import people

ANGRY, DISGUST, FEAR, HAPPY, SAD, SURPRISE, NEUTRAL = range(7)
OF_NAME = {
    "angry": "anger",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "fear": "fear",
    "neutral": "neutral",
}


def votes(*rows: dict[str, int]) -> np.ndarray:
    return np.array([[row.get(column, 0) for column in COLUMNS] for row in rows], np.uint8)


def answers(predicted: list[int]) -> np.ndarray:
    return np.eye(7)[predicted] * 0.93 + 0.01


COUNTS = votes(
    {"happiness": 9, "neutral": 1},  # label happy, model happy
    {"sadness": 8, "fear": 2},  # label fear, voters sad, model sad: with the voters
    {"sadness": 8, "fear": 2},  # label fear, voters sad, model fear: with the label
    {"anger": 7, "neutral": 3},  # label disgust, voters angry, model neutral: with neither
    {"anger": 5, "sadness": 5},  # no majority
    {"NF": 10},  # no face
    {"surprise": 10},  # label surprise, model fear
)
LABEL = np.array([HAPPY, FEAR, FEAR, DISGUST, ANGRY, SAD, SURPRISE])
SAID = [HAPPY, SAD, FEAR, NEUTRAL, ANGRY, SAD, FEAR]


def test_agreement_sides_and_shared_errors_of_a_worked_example() -> None:
    found = people(answers(SAID), LABEL, COUNTS, NAMES)
    assert found.majority.tolist() == [HAPPY, SAD, SAD, ANGRY, -1, -1, SURPRISE] and found.agreed.sum() == 5
    assert (found.voters_with_label.hits, found.voters_with_label.count) == (2, 5)
    assert (found.model_with_label.hits, found.model_with_voters.hits, found.model_with_label.count) == (
        2,
        2,
        5,
    )
    assert found.disputed.tolist() == [1, 2, 3]
    assert {side: (p.hits, p.count) for side, p in found.sides.items()} == {
        "the voters": (1, 3),
        "the label": (1, 3),
        "neither": (1, 3),
    }
    assert (found.shared_errors.hits, found.shared_errors.count) == (1, 3), (
        "wrong: sad as the voters, neutral, fear"
    )
    assert found.matrix.sum() == 5 and found.matrix[FEAR, SAD] == 2 and found.matrix[DISGUST, ANGRY] == 1


def test_labels_travel_by_name() -> None:
    order = np.array([6, 3, 0, 5, 1, 2, 4])
    place = np.argsort(order)
    names = tuple(NAMES[i] for i in order)
    straight, turned = (
        people(answers(SAID), LABEL, COUNTS, NAMES),
        people(answers(SAID)[:, order], place[LABEL], COUNTS, names),
    )
    assert turned.sides == straight.sides and turned.shared_errors == straight.shared_errors
    assert np.array_equal(turned.matrix, straight.matrix[np.ix_(order, order)])
    assert np.allclose(turned.distance, straight.distance, equal_nan=True) and np.allclose(
        turned.cosine, straight.cosine, equal_nan=True
    )


def test_distances_of_votes_and_probabilities() -> None:
    same = np.zeros((3, 7))
    same[0, [HAPPY, NEUTRAL]] = 0.8, 0.2
    same[1, ANGRY] = same[2, ANGRY] = 1
    found = people(
        same,
        np.array([HAPPY, HAPPY, ANGRY]),
        votes({"happiness": 8, "neutral": 2}, {"happiness": 10}, {"NF": 10}),
        NAMES,
    )
    assert found.distance[:2] == pytest.approx([0, 1], abs=1e-6) and found.cosine[:2] == pytest.approx(
        [1, 0], abs=1e-6
    )
    assert np.isnan(found.distance[2]) and np.isnan(found.cosine[2]), "nobody chose an expression"
    half = people(np.full((1, 7), 1 / 7), np.array([0]), votes({"happiness": 10}), NAMES)
    m = np.array([4 / 7] + [1 / 14] * 6)
    expected = np.sqrt((np.log2(1 / m[0]) + sum(1 / 7 * np.log2(1 / 7 / x) for x in m)) / 2)
    assert half.distance[0] == pytest.approx(expected, abs=1e-6) and half.cosine[0] == pytest.approx(
        1 / np.sqrt(7), abs=1e-6
    )


def test_other_classes_are_refused() -> None:
    with pytest.raises(DataError, match="voters chose between"):
        people(np.full((1, 2), 0.5), np.array([0]), votes({"NF": 10}), ("cat", "dog"))
