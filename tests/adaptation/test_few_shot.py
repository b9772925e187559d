"""Few-shot adaptation: at least as good as the original, measured honestly, fast, and without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fer_core.adaptation import few_shot
from fer_core.bundles.bundle import Bundle, find_bundle
from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from fer_core.errors import DataError, ModelError
from fer_core.inference import FeatureExtractor
from fer_core.metrics.classification import wilson_interval
from fer_core.resources import ROOT


@pytest.fixture(scope="module")
def ferplus() -> FeatureExtractor:
    return FeatureExtractor(find_bundle("ferplus"))


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """300 drawn faces and their label names; the shipped models do not know drawings."""
    data = open_dataset("synthetic:300:5")
    return np.asarray(data.images), np.array(NAMES)[data.labels]


def accuracy(probabilities: np.ndarray, labels: tuple[str, ...], true: np.ndarray) -> float:
    return float((np.array(labels)[probabilities.argmax(axis=1)] == true).mean())


def test_faces_that_it_has_not_seen_are_named_better_than_before(
    ferplus: FeatureExtractor, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = drawn
    model = few_shot.learn(ferplus, images[:70], list(labels[:70]))
    new, old = model.compare(images[70:])
    assert model.labels == NAMES and model.faces == {name: 10 for name in NAMES}
    assert np.allclose(new.sum(axis=1), 1) and np.array_equal(new, model.probabilities(images[70:]))
    assert accuracy(new, NAMES, labels[70:]) > accuracy(old, NAMES, labels[70:]) + 0.05
    # Cross-validation predicts that figure.
    assert model.comparison is not None
    assert (
        model.comparison.new.interval[0]
        < accuracy(new, NAMES, labels[70:])
        < model.comparison.new.interval[1]
    )


@pytest.mark.parametrize("names", [("happy", "surprise"), ("fear", "happy"), ("surprise", "neutral")])
def test_one_face_a_class_leaves_the_model_about_as_it_was(
    ferplus: FeatureExtractor, drawn: tuple[np.ndarray, np.ndarray], names: tuple[str, str]
) -> None:
    images, labels = drawn
    keep = np.isin(labels, names)
    images, labels = images[keep], labels[keep]
    first = [int(np.flatnonzero(labels == name)[0]) for name in reversed(names)]
    model = few_shot.learn(ferplus, images[first], list(labels[first]))
    assert model.labels == tuple(sorted(names, key=NAMES.index)) and model.comparison is None
    new, old = model.compare(images)
    assert accuracy(new, model.labels, labels) > accuracy(old, model.labels, labels) - 0.03


def test_the_figures_are_those_of_faces_left_out(
    ferplus: FeatureExtractor, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = (
        drawn[0][:12],
        [("sad", "fear", "neutral")[i % 3] for i in range(12)],
    )  # by lot: known faces only can be named
    model = few_shot.learn(ferplus, images, labels)
    right = 0
    for i in range(12):
        without = few_shot.learn(ferplus, np.delete(images, i, axis=0), labels[:i] + labels[i + 1 :])
        right += accuracy(
            without.probabilities(images[i : i + 1]), without.labels, np.array(labels[i : i + 1])
        )
    assert model.comparison is not None and model.comparison.new.right == right
    assert (
        accuracy(model.probabilities(images), model.labels, np.array(labels))
        > model.comparison.new.accuracy + 0.1
    )


def test_the_comparison_is_on_the_same_faces_among_the_same_classes(
    ferplus: FeatureExtractor, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = drawn
    keep = np.flatnonzero(np.isin(labels, ["angry", "neutral", "sad"]))[:30]
    model = few_shot.learn(ferplus, images[keep], list(labels[keep]))
    figures = model.comparison
    assert figures is not None and figures.new.count == figures.old.count == 30
    seven = ferplus.probabilities(images[keep])[:, [NAMES.index(name) for name in model.labels]]
    assert figures.old.accuracy == pytest.approx(accuracy(seven, model.labels, labels[keep]))
    assert figures.new.right - figures.old.right == figures.gained - figures.lost
    assert figures.new.interval == wilson_interval(figures.new.right, 30)


def test_all_classes_count_the_same(ferplus: FeatureExtractor, drawn: tuple[np.ndarray, np.ndarray]) -> None:
    """The same faces in both classes, but nine times as often in one, say nothing for either."""
    images = drawn[0]
    model = few_shot.learn(ferplus, np.concatenate([images[:4]] * 10), ["happy"] * 36 + ["sad"] * 4)
    new, old = model.compare(images)
    assert abs(new[:, 0].mean() - old[:, 0].mean()) < 0.02


def test_a_model_that_does_not_mirror_its_input_sees_mirror_images(trained_run: Path) -> None:
    bundle = find_bundle(str(trained_run))
    extractor = FeatureExtractor(bundle)
    images = np.asarray(open_dataset("synthetic:140:3").images)
    labels = [NAMES[i % 2] for i in range(140)]
    once = few_shot.learn(extractor, images, labels)
    flipped = few_shot.learn(extractor, images[:, :, ::-1], labels)
    assert np.allclose(once.probabilities(images), flipped.probabilities(images), atol=0.01)
    pretending = FeatureExtractor(Bundle(bundle.path, bundle.card | {"mirror": True}))
    plain = few_shot.learn(pretending, images, labels)
    assert not np.allclose(once.probabilities(images), plain.probabilities(images), atol=0.01)


def test_a_hundred_faces_take_less_than_three_seconds(
    ferplus: FeatureExtractor, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = drawn
    few_shot.learn(ferplus, images[:14], list(labels[:14]))  # imports
    start = time.perf_counter()
    few_shot.learn(ferplus, images[:100], list(labels[:100]))
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([], "expected faces of at least two classes, got none"),
        (["happy", "happy"], "expected faces of at least two classes, got happy"),
        (["happy", "bored"], "Unknown class name 'bored'"),
    ],
)
def test_bad_labels_are_one_sentence(ferplus: FeatureExtractor, labels: list[str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        few_shot.learn(ferplus, np.zeros((len(labels), 48, 48), np.uint8), labels)


def test_arrays_of_another_kind_and_classes_that_the_model_lacks_are_refused(
    ferplus: FeatureExtractor,
) -> None:
    for images in (
        np.zeros((3, 48, 48), np.uint8),
        np.zeros((2, 48, 48), np.float32),
        np.zeros((2, 47, 48), np.uint8),
    ):
        with pytest.raises(DataError, match="one 48x48 uint8 face for each of 2 labels"):
            few_shot.learn(ferplus, images, ["happy", "sad"])
    bundle = find_bundle("ferplus")
    strange = FeatureExtractor(Bundle(bundle.path, bundle.card | {"labels": ["calm", *NAMES[1:]]}))
    with pytest.raises(ModelError, match="does not have the class angry"):
        few_shot.learn(strange, np.zeros((2, 48, 48), np.uint8), ["angry", "sad"])


def test_equal_faces_are_no_reason_to_fail(ferplus: FeatureExtractor) -> None:
    model = few_shot.learn(ferplus, np.full((4, 48, 48), 90, np.uint8), ["happy", "happy", "sad", "sad"])
    assert np.isfinite(model.probabilities(np.zeros((1, 48, 48), np.uint8))).all()


def test_learning_imports_no_tensorflow() -> None:
    code = (
        "import sys, numpy as np; from fer_core.adaptation import few_shot\n"
        "from fer_core.bundles.bundle import find_bundle\n"
        "from fer_core.inference import FeatureExtractor\n"
        "few_shot.learn(FeatureExtractor(find_bundle('ferplus')), np.zeros((4, 48, 48), np.uint8), "
        "['happy', 'happy', 'sad', 'sad'])\n"
        "print([m for m in ('tensorflow', 'keras', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]" and not done.stderr
