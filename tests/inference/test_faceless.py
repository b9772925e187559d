"""Pictures without a face, and shares of real photos; the figures of all are in docs/guides/predict.md."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.inference import FaceDetector
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import detector_pictures

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def people(shared: Path, detector: FaceDetector) -> list[detector_pictures.Portrait]:
    """Every sixteenth photo, with the place of its face."""
    found = []
    for path in sorted((shared / "photos").glob("*.jpg"))[::16]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        if faces := detector.detect(pixels, one_look=True):
            x, y, width, height = max(faces, key=lambda face: face.box[2]).box
            middle = (x + width / 2, y + height / 2)
            found.append(detector_pictures.Portrait(pixels, middle, (width + height) / 2))
    return found


def test_drawn_pictures_have_no_face(detector: FaceDetector) -> None:
    random = np.random.default_rng(0)
    for draw in detector_pictures.DRAWN:
        assert detector.detect(np.asarray(draw(random).convert("RGB"))) == [], draw.__name__


def test_turned_photos_are_found_and_turned(
    people: list[detector_pictures.Portrait], detector: FaceDetector
) -> None:
    upright = 0
    for quarters in (1, 2, 3):
        for pixels, ((middle, side),) in detector_pictures.turned(people[quarters - 1 :: 3], quarters):
            faces = detector.detect(pixels)
            upright += any(
                detector_pictures.matches(face.box, middle, side) and face.rotation == 90 * quarters
                for face in faces
            )
    assert upright >= 0.95 * len(people)


@pytest.mark.parametrize("longest", [400, 800, 1600])
def test_closeups_are_found(
    people: list[detector_pictures.Portrait], detector: FaceDetector, longest: int
) -> None:
    people = {400: people[::2], 800: people[1::2], 1600: people[::8]}[longest]  # the last take long
    found = 0
    for pixels, ((middle, side),) in detector_pictures.closeups(people, longest):
        found += any(detector_pictures.matches(face.box, middle, side) for face in detector.detect(pixels))
    assert found >= 0.96 * len(people)  # 98% of all
