"""Face detection on typical photos: small, large, at the edge, in the dark."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fer_core.inference import FaceDetector
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB")


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    found = FaceDetector()
    assert found.name == "YuNet"  # the other detector would have other results
    return found


def in_the_dark(pixels: np.ndarray, light: float) -> np.ndarray:
    """Darken to this share of the light, and add the corresponding sensor noise."""
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
    return np.clip(light * pixels.astype(float) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("light", [1 / 4, 1 / 14])
@pytest.mark.parametrize("grey", [False, True])
def test_a_face_is_found_in_the_dark_where_it_stands_in_the_light(
    portrait: Image.Image, detector: FaceDetector, light: float, grey: bool
) -> None:
    canvas = np.full((480, 640, 3), 110, np.uint8)
    canvas[40:200, 120:280] = np.asarray(portrait.resize((160, 160)))
    pixels = np.asarray(Image.fromarray(canvas).convert("L")) if grey else canvas
    (expected,) = detector.detect(pixels)
    (found,) = detector.detect(in_the_dark(pixels, light))
    assert np.abs(np.subtract(found.box, expected.box)).max() < 0.25 * expected.box[2]


def test_a_dark_picture_without_a_face_has_none(detector: FaceDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 40, (480, 640, 3)).astype(np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros((480, 640, 3), np.uint8)) == []
    assert detector.detect(np.zeros((480, 640), np.uint8)) == []


@pytest.mark.parametrize("side", [60, 160, 2000])
def test_faces_of_any_size_are_found(portrait: Image.Image, detector: FaceDetector, side: int) -> None:
    """The picture's side; the face takes about a quarter of it."""
    cut = portrait.crop((150, 30, 330, 210)) if side == 60 else portrait
    (found,) = detector.detect(np.asarray(cut.resize((side, side))))
    assert (
        0.1 * side < found.box[2] < 0.9 * side
        and found.landmarks is not None
        and found.landmarks.shape == (5, 2)
    )
