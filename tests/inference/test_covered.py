"""Covered mouths and eyes are named; bare faces are not."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.inference import FaceDetector, Predictor
from fer_core.inference.input_warnings import NAMES, input_warnings, names_of_bits, one_line, warning_bits
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import covered_faces

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor()


@pytest.mark.parametrize(
    ("what", "name"), [("mask", "mouth covered"), ("hand", "mouth covered"), ("bar", "eyes covered")]
)
def test_a_covered_face_is_named(predictor: Predictor, what: str, name: str) -> None:
    pixels = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    (bare,) = FaceDetector().detect(pixels)
    covered = covered_faces.covered_by(pixels, bare, what, np.random.default_rng(0))
    (face,) = predictor.predict(covered)
    assert name in [warning.name for warning in input_warnings(face)]
    (face,) = predictor.predict(cv2.rotate(covered, cv2.ROTATE_180))  # the crop is upright there too
    assert face.rotation == 180 and name in [warning.name for warning in input_warnings(face)]


def test_a_bare_face_is_not(predictor: Predictor) -> None:
    (face,) = predictor.predict(PORTRAIT)
    assert input_warnings(face) == [] and one_line([]) == ""


def test_a_reader_gets_one_short_line(predictor: Predictor) -> None:
    pixels = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    (bare,) = FaceDetector().detect(pixels)
    (face,) = predictor.predict(covered_faces.covered_by(pixels, bare, "mask", np.random.default_rng(0)))
    warnings = input_warnings(face)
    assert one_line(warnings).startswith("Mouth covered") and one_line(warnings).endswith("less certain")
    assert all(warning.name in NAMES and warning.detail.endswith(".") for warning in warnings)
    assert names_of_bits(warning_bits(warnings)) == [warning.name for warning in warnings]


@pytest.mark.long
def test_of_real_photos_covered_ones_are_named_and_bare_ones_not(shared: Path) -> None:
    """A tenth of the people; benchmarks/covered_faces.py measures all."""
    kinds, _, cells = covered_faces.samples(sorted((shared / "photos").glob("*.jpg"))[1::12])
    for part, drawn in (("mouth", covered_faces.MOUTH), ("eyes", covered_faces.EYES)):
        flagged = covered_faces.flagged(cells, part)
        assert flagged[np.isin(kinds, drawn)].mean() >= 0.8, part
        assert flagged[kinds == "bare"].mean() <= 0.05, part
