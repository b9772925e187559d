"""Input warnings: present for unusual faces, absent for typical ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.data import Dataset
from fer_core.inference import FacePrediction, Predictor
from fer_core.inference import input_warnings as thresholds
from fer_core.inference.input_warnings import input_warnings, roll, yaw

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture(scope="module")
def face(predictor: Predictor) -> FacePrediction:
    return predictor.predict(PORTRAIT)[0]


def words(face: FacePrediction) -> list[str]:
    return [warning.name for warning in input_warnings(face)]


def test_a_good_photo_is_like_the_training_data(face: FacePrediction) -> None:
    assert input_warnings(face) == []


def test_light_and_blur_are_named(face: FacePrediction) -> None:
    crop = face.crop.astype(np.float32)
    sharp = (crop - crop.mean()) / crop.std()
    made = {
        "dark": np.clip(45 + 45 * sharp, 0, 255),
        "bright": np.clip(220 + 50 * sharp, 0, 255),
        "low contrast": 128 + 15 * np.sign(sharp),
        "blurred": cv2.GaussianBlur(crop, (0, 0), 3),
    }
    for word, pixels in made.items():
        assert words(replace(face, crop=pixels.astype(np.uint8), crop_landmarks=None)) == [word]


def test_a_tilted_head_is_named(face: FacePrediction) -> None:
    assert face.landmarks is not None and abs(roll(face.landmarks)) < 5
    for degrees in (-28, 28):
        angle = np.radians(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = face.landmarks.mean(axis=0)
        tilted = (face.landmarks - middle) @ turn.T + middle
        assert roll(tilted) - roll(face.landmarks) == pytest.approx(degrees)
        assert words(replace(face, landmarks=tilted)) == ["tilted"]


def test_photos_that_are_turned_are_called_tilted(predictor: Predictor, shared: Path) -> None:
    """YuNet's landmarks turn less than the head: of faces turned by 40 degrees about half are tilted."""
    counts = {}
    for degrees in (0, 40):
        message = []
        for path in sorted((shared / "photos").glob("*.jpg"))[::8]:
            picture = Image.open(path).convert("RGB").rotate(degrees, fillcolor="grey")
            message += ["tilted" in words(face) for face in predictor.predict(picture, one_look=True)]
        assert len(message) > 20
        counts[degrees] = np.mean(message)
    assert counts[0] < 0.1 and counts[40] > 0.4


def test_a_head_in_profile_is_named(face: FacePrediction) -> None:
    eyes = np.array([[10.0, 10.0], [30.0, 10.0]])
    middle, beyond = np.array([[20.0, 20.0]]), np.array([[36.0, 20.0]])
    mouth = np.array([[14.0, 30.0], [26.0, 30.0]])
    assert yaw(np.concatenate([eyes, middle, mouth])) == 0
    assert yaw(np.concatenate([eyes, beyond, mouth])) == pytest.approx(0.8)
    assert words(replace(face, landmarks=np.concatenate([eyes, beyond, mouth]))) == ["turned away"]


def test_a_small_face_is_named_and_a_face_without_landmarks_is_not_judged_by_them(
    face: FacePrediction,
) -> None:
    assert words(replace(face, box=(0, 0, 20, 28))) == ["small"]
    assert words(replace(face, landmarks=None, crop_landmarks=None)) == []


def test_one_in_a_hundred_training_images_is_beyond_each_threshold(fer2013_data: Dataset) -> None:
    """The thresholds are the stated percentiles."""
    from fer_core.data.dataset import SPLITS
    from fer_core.data.measures import measures

    dataset = fer2013_data
    measured = measures(dataset.images, np.flatnonzero(dataset.splits == SPLITS.index("train")))
    for name, low, threshold in (
        ("brightness", True, thresholds.DARK),
        ("brightness", False, thresholds.BRIGHT),
        ("contrast", True, thresholds.PALE),
        ("sharpness", True, thresholds.BLURRED),
    ):
        beyond = measured[name] < threshold if low else measured[name] > threshold
        assert beyond.mean() == pytest.approx(0.01, abs=0.001), name
