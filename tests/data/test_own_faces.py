"""Collected faces as class folders: all or nothing, never overwriting, and readable as a data set."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.data import open_dataset
from fer_core.data.own_faces import save_faces
from fer_core.emotions import NAMES
from fer_core.errors import DataError


def faces(count: int, classes: int) -> tuple[np.ndarray, list[str]]:
    images = np.random.default_rng(0).integers(0, 256, (count, 48, 48), np.uint8)
    return images, [NAMES[-1 - i % classes] for i in range(count)]


@pytest.mark.parametrize(("count", "classes"), [(4, 2), (14, 7), (45, 3)])
def test_they_are_a_data_set_with_a_validation_split(tmp_path: Path, count: int, classes: int) -> None:
    images, labels = faces(count, classes)
    saved = save_faces(tmp_path / "data", "my-faces_1", images, labels)
    assert saved == tmp_path / "data" / "my-faces_1" and [p.name for p in saved.parent.iterdir()] == [
        "my-faces_1"
    ]
    data = open_dataset(saved)
    assert data.split_names() == ["train", "validation"]
    for per_label in data.counts().values():
        assert {name for name, n in per_label.items() if n} == set(labels), "a class is missing in a split"
    # Every face is there, pixel for pixel, under its name.
    assert {(image.tobytes(), label) for image, label in zip(images, labels, strict=True)} == {
        (image.tobytes(), NAMES[label]) for image, label in zip(data.images, data.labels, strict=True)
    }


def test_with_one_face_a_class_there_is_no_validation_split(tmp_path: Path) -> None:
    data = open_dataset(save_faces(tmp_path, "single", *faces(3, 3)))
    assert data.split_names() == ["train"] and "too few images to hold out" in data.warnings[0]


@pytest.mark.parametrize(
    "name", ["", "..", "../up", "a/b", "a b", ".hidden", "-x", "façade", "x" * 61, "con\n"]
)
def test_other_characters_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot name a data set"):
        save_faces(tmp_path / "data", name, *faces(2, 2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["test", "Validation", "uploads"])
def test_names_that_mean_something_are_refused(tmp_path: Path, name: str) -> None:
    """A folder called test would be read as a test split."""
    with pytest.raises(DataError, match="is a reserved folder name"):
        save_faces(tmp_path, name, *faces(2, 2))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="exists already and is not overwritten"):
        save_faces(tmp_path, "mine", *faces(2, 2))
    assert [p.name for p in tmp_path.rglob("*")] == ["mine"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []

    def save(self: Image.Image, path: Path) -> None:
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(path)
        path.write_bytes(b"x")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(DataError, match=r"could not be saved in .*mine: No space left on device") as caught:
        save_faces(tmp_path, "mine", *faces(6, 2))
    assert "\n" not in str(caught.value) and len(saved) == 3 and not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="could not be saved"):
        save_faces(tmp_path / "data", "mine", *faces(2, 2))


def test_bad_faces_are_refused(tmp_path: Path) -> None:
    images, labels = faces(2, 2)
    for bad in ((images[:0], []), (images, labels[:1]), (images.astype(float), labels)):
        with pytest.raises(DataError, match="at least one 48x48 uint8 face"):
            save_faces(tmp_path, "mine", *bad)
    with pytest.raises(DataError, match=r"Unknown class name '\.\./x'"):
        save_faces(tmp_path, "mine", images, ["../x", "happy"])
    assert not list(tmp_path.iterdir())
