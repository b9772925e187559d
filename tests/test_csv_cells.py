"""Text from outside is no formula in a downloaded table; numbers stay numbers."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from fer_core.album import csv_text
from fer_core.album.analysis import PictureResult
from fer_core.bundles.bundle import find_bundle
from fer_core.bundles.classifier import Classifier
from fer_core.csv_cells import harmless
from fer_core.emotions import NAMES
from fer_core.inference import FacePrediction

FORMULAS = ('=HYPERLINK("http://a","b")', "@SUM(A1)", "+1+cmd|x", "-2+3", "\t=1", " =1", "\r=1", "＝1")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("cell", [-1.5, np.float64(-2), 0, None, "", "a-b", "happy", "1"])
def test_numbers_and_words_stay(cell: object) -> None:
    assert harmless(cell) is cell


@pytest.mark.parametrize("name", FORMULAS)
def test_a_photo_with_a_formula_as_its_name(name: str) -> None:
    face = FacePrediction((1, 2, 3, 4), 0.9, {n: 1 / 7 for n in NAMES}, np.zeros((48, 48), np.uint8))
    text = csv_text([PictureResult(name, faces=[face])], Classifier(find_bundle("tiny")))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["file"] == f"'{name}" and float(row["angry"]) == pytest.approx(0.1429)
