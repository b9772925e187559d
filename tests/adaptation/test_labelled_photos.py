"""Folders of labelled photos: both forms, who is on a photo, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.adaptation.labelled_photos import person_of, read_labelled_photos
from fer_core.emotions import NAMES
from fer_core.errors import DataError
from fer_core.inference.predict import Predictor
from fer_core.resources import ROOT

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor("tiny")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Al_Gore_0002.jpg", "Al_Gore"),
        ("Ana 3.png", "Ana"),
        ("Ben-12.jpeg", "Ben"),
        ("Zoe.jpg", "Zoe"),
        ("0017.jpg", "0017"),
    ],
)
def test_the_name_before_the_number_is_the_person(name: str, person: str) -> None:
    assert person_of(Path(name)) == person


def test_a_list_names_each_photo_and_its_expression(tmp_path: Path, predictor: Predictor) -> None:
    shutil.copy(PORTRAIT, tmp_path / "Ana_1.jpg")
    Image.new("RGB", (200, 200), "grey").save(tmp_path / "Ben_1.png")
    (tmp_path / "labels.csv").write_text("image,emotion,part\nAna_1.jpg,Happiness,a\nBen_1.png,sad,b\n")
    seen: list[tuple[int, int]] = []
    photos = read_labelled_photos(tmp_path, predictor, lambda done, count: seen.append((done, count)))
    assert [path.name for path in photos.files] == ["Ana_1.jpg", "Ben_1.png"]
    assert [NAMES[i] for i in photos.labels] == ["happy", "sad"] and list(photos.people) == ["Ana", "Ben"]
    assert list(photos.found) == [True, False] and not photos.faces[1].any()
    assert np.array_equal(photos.faces[0], predictor.predict(PORTRAIT)[0].crop)
    assert seen == [(1, 2), (2, 2)]


def test_class_folders_name_the_expression(tmp_path: Path, predictor: Predictor) -> None:
    for folder in ("happy", "Anger", "others"):
        (tmp_path / folder).mkdir()
        shutil.copy(PORTRAIT, tmp_path / folder / "Ana_1.jpg")
    (tmp_path / "happy" / "notes.txt").write_text("no photo")
    photos = read_labelled_photos(tmp_path, predictor)
    assert sorted(NAMES[i] for i in photos.labels) == ["angry", "happy"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no labelled photos: expected labels.csv"),
        (
            {"labels.csv": "name,label\na.jpg,happy\n"},
            "has the columns name, label: expected image and emotion",
        ),
        ({"labels.csv": "image,emotion\n"}, "no labelled photos"),
        ({"labels.csv": "image,emotion\nb.jpg,happy\n"}, "names b.jpg, which is not in"),
        ({"labels.csv": "image,emotion\na.jpg,cheerful\n", "a.jpg": "x"}, "Unknown class name 'cheerful'"),
        ({"labels.csv": "image,emotion\na.jpg,happy\n", "a.jpg": "x"}, "Take it out of"),
    ],
)
def test_other_folders_are_refused(
    tmp_path: Path, predictor: Predictor, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_labelled_photos(tmp_path, predictor)
