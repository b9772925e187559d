"""The output layer that is learned from features: what it learns, what it keeps, and that its figures are
honest."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.adaptation.output_layer import OutputLayer, learn_output_layer
from fer_core.emotions import NAMES
from fer_core.errors import DataError

LEARNED = [0, 3, 4]
FEATURES = 12


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def own_layer() -> tuple[np.ndarray, np.ndarray]:
    """The network's own output layer, which hardly tells the classes apart."""
    return np.random.default_rng(1).normal(size=(FEATURES, len(NAMES))) / 100, np.arange(len(NAMES)) / 100


def learn(
    features: np.ndarray, labels: np.ndarray, people: np.ndarray, counted: np.ndarray | None = None
) -> OutputLayer:
    trusted = np.ones(len(labels), bool) if counted is None else counted
    return learn_output_layer(features[None], own_layer(), labels, people, LEARNED, trusted)


def faces(rng: np.random.Generator, count: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features whose first columns tell the class, labels, and three faces of each person."""
    labels = rng.choice(LEARNED, count)
    features = rng.normal(size=(count, FEATURES))
    features[np.arange(count), labels] += 4
    return features, labels, np.arange(count) // 3


def test_faces_of_other_people_are_told_apart(rng: np.random.Generator) -> None:
    features, labels, people = faces(rng)
    layer = learn(features, labels, people)
    assert (layer.out_of_fold.argmax(1) == labels).mean() > 0.95
    assert np.allclose(layer.out_of_fold.sum(1), 1)
    new, new_labels, _ = faces(rng)
    assert ((new @ layer.weights + layer.bias).argmax(1) == new_labels).mean() > 0.95


def test_the_figures_do_not_profit_from_knowing_a_person(rng: np.random.Generator) -> None:
    count, each = 60, 10
    person = rng.normal(size=(count, FEATURES)) * 5  # tells who it is, and each person has one expression
    features = np.repeat(person, each, axis=0) + rng.normal(size=(count * each, FEATURES)) / 10
    labels = np.repeat(rng.choice(LEARNED, count), each)
    people = np.repeat(np.arange(count), each)
    by_person = learn(features, labels, people).out_of_fold.argmax(1) == labels
    as_strangers = learn(features, labels, np.arange(count * each)).out_of_fold.argmax(1) == labels
    assert by_person.mean() < 0.5 < as_strangers.mean()


def test_classes_that_are_not_learned_keep_their_distance_from_the_others(rng: np.random.Generator) -> None:
    features, labels, people = faces(rng)
    layer = learn(features, labels, people)
    own = features @ own_layer()[0] + own_layer()[1]
    new = features @ layer.weights + layer.bias
    before = own - own[:, LEARNED].mean(1, keepdims=True)
    after = new - new[:, LEARNED].mean(1, keepdims=True)
    kept = [i for i in range(len(NAMES)) if i not in LEARNED]
    assert np.allclose(after[:, kept], before[:, kept] + layer.shift)


def test_labels_that_are_not_trusted_change_nothing(rng: np.random.Generator) -> None:
    features, labels, people = faces(rng)
    counted = rng.random(len(labels)) < 0.8
    first = learn(features, labels, people, counted)
    labels[~counted] = rng.choice(LEARNED, (~counted).sum())
    again = learn(features, labels, people, counted)
    assert np.array_equal(first.weights, again.weights) and np.array_equal(
        first.out_of_fold, again.out_of_fold
    )


def test_the_temperature_makes_the_answers_as_sure_as_they_are_right(rng: np.random.Generator) -> None:
    features, labels, people = faces(rng, 900)
    labels = np.where(rng.random(900) < 0.4, rng.choice(LEARNED, 900), labels)  # two in five judged at random
    answers = learn(features, labels, people).out_of_fold
    assert abs(answers.max(1).mean() - (answers.argmax(1) == labels).mean()) < 0.05


def test_two_classes_are_enough(rng: np.random.Generator) -> None:
    features, labels, people = faces(rng)
    two = labels != 4
    layer = learn(features[two], labels[two], people[two])
    assert (layer.out_of_fold.argmax(1) == labels[two]).mean() > 0.95


@pytest.mark.parametrize(("label", "person"), [(slice(None), 0), (3, slice(None))])
def test_one_class_or_one_person_is_refused(
    rng: np.random.Generator, label: int | slice, person: int | slice
) -> None:
    features, labels, people = faces(rng)
    labels = labels if isinstance(label, slice) else np.full_like(labels, label)
    people = people if isinstance(person, slice) else np.full_like(people, person)
    with pytest.raises(DataError, match="at least two classes and two people"):
        learn(features, labels, people)
