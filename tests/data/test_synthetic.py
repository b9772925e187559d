"""Synthetic faces: counts, labels, repeatability, and distinguishable classes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from fer_core import emotions
from fer_core.data import synthetic
from fer_core.data.synthetic import SIZE, draw_faces
from fer_core.errors import DataError

CLASSES = len(emotions.NAMES)


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    return draw_faces(1400, seed=0)


def _counts(labels: np.ndarray) -> dict[str, int]:
    return dict(zip(emotions.NAMES, np.bincount(labels, minlength=CLASSES).tolist(), strict=True))


def _digest(images: np.ndarray, labels: np.ndarray) -> str:
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def test_shapes_types_and_tones(faces):
    images, labels = faces
    assert images.shape == (1400, SIZE, SIZE) and images.dtype == np.uint8
    assert labels.shape == (1400,) and labels.dtype == np.int8
    assert set(labels.tolist()) == set(range(CLASSES))
    assert 80 < images.mean() < 160
    assert (images.reshape(len(images), -1).std(axis=1) > 12).all(), "a face without contrast"


def test_every_expression_is_described_by_known_actions():
    assert set(synthetic.EXPRESSIONS) == set(emotions.NAMES)
    for name, ways in synthetic.EXPRESSIONS.items():
        for way in ways:
            assert set(way) <= set(synthetic.ACTIONS), name


def test_same_seed_same_faces_other_seed_other_faces():
    first, again, other = draw_faces(70, seed=5), draw_faces(70, seed=5), draw_faces(70, seed=6)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not (first[0] == other[0]).all(axis=(1, 2)).any()


def test_another_process_draws_the_same():
    code = (
        "import hashlib; from fer_core.data.synthetic import draw_faces; images, labels = draw_faces(21, "
        "seed=3);"
        "print(hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())"
    )
    root = Path(synthetic.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == _digest(*draw_faces(21, seed=3))


def test_a_shorter_set_is_the_beginning_of_a_longer_one(faces):
    images, labels = draw_faces(100, seed=0)
    assert np.array_equal(images, faces[0][:100])
    assert np.array_equal(labels, faces[1][:100])


def test_no_face_comes_twice(faces):
    assert len(np.unique(faces[0].reshape(len(faces[0]), -1), axis=0)) == len(faces[0])


@pytest.mark.parametrize("count", [7, 8, 13, 100, 350])
def test_classes_are_as_even_as_possible(count):
    counts = _counts(draw_faces(count)[1])
    assert sum(counts.values()) == count
    assert max(counts.values()) - min(counts.values()) <= 1


def test_classes_are_mixed(faces):
    assert (np.diff(faces[1]) == 0).mean() < 0.1


def test_imbalance_is_the_ratio_of_the_extremes_and_falls_geometrically():
    counts = sorted(_counts(draw_faces(1000, imbalance=10.0)[1]).values(), reverse=True)
    assert sum(counts) == 1000
    assert counts[0] / counts[-1] == pytest.approx(10.0, rel=0.08)
    steps = np.array(counts[:-1]) / np.array(counts[1:])
    assert np.allclose(steps, 10.0 ** (1 / 6), rtol=0.08)


@pytest.mark.parametrize("count", [7, 8, 9, 20])
@pytest.mark.parametrize("imbalance", [1.5, 3.0, 1000.0])
def test_imbalance_leaves_every_class_a_face(count, imbalance):
    counts = _counts(draw_faces(count, imbalance=imbalance)[1])
    assert sum(counts.values()) == count
    assert min(counts.values()) >= 1


def test_imbalance_favours_the_classes_that_fer2013_has_most_of():
    counts = _counts(draw_faces(200, imbalance=16.0)[1])
    assert max(counts, key=counts.get) == "happy"
    assert min(counts, key=counts.get) == "disgust"


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_label_noise_moves_that_fraction_to_other_classes_and_keeps_the_images(fraction):
    images, labels = draw_faces(350, seed=1)
    noisy_images, noisy = draw_faces(350, seed=1, label_noise=fraction)
    assert np.array_equal(images, noisy_images)
    wrong = noisy != labels
    assert wrong.sum() == round(350 * fraction)
    assert noisy.dtype == np.int8 and noisy.min() >= 0 and noisy.max() < CLASSES
    assert len(np.unique((noisy[wrong].astype(int) - labels[wrong]) % CLASSES)) == CLASSES - 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"count": 6}, "faces"),
        ({"count": -1}, "faces"),
        ({"seed": -1}, "seed"),
        ({"label_noise": -0.1}, "noise"),
        ({"label_noise": 1.0}, "noise"),
        ({"label_noise": float("nan")}, "noise"),
        ({"imbalance": 0.5}, "imbalance"),
        ({"imbalance": float("inf")}, "imbalance"),
        ({"imbalance": float("nan")}, "imbalance"),
    ],
)
def test_arguments_out_of_range_are_refused_in_one_sentence(arguments, word):
    with pytest.raises(DataError, match=word) as caught:
        draw_faces(**arguments)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_linear_classifier_on_pixels_clearly_beats_chance(faces):
    images, labels = faces
    # Every other pixel is enough here and keeps the test short.
    pixels = images[:, ::2, ::2].reshape(len(images), -1).astype(np.float32)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(pixels[:1000], labels[:1000])
    right = model.predict(pixels[1000:]) == labels[1000:]
    assert right.mean() > 0.45  # chance is 1/7
    for name in emotions.NAMES:
        assert right[labels[1000:] == emotions.NAMES.index(name)].mean() > 0.2, name
