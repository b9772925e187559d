"""Labels that are numbers: read as FER2013's codes and said so, or by the names that come with the data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import open_dataset
from fer_core.data.readers import label_names as names_files

from .build import (
    ALPHABETICAL,
    CODES,
    CODES_NOTE,
    check_names,
    csv_text,
    faces,
    fer_columns,
    label_names,
    names_of,
    png,
    training_csv,
    write_folders,
    write_parquet,
    zip_of,
)

# Position of each class of FER2013 in the alphabetical order.
IMAGES, FER_CODES = faces(42)
ALPHABETICAL_CODES = np.array([ALPHABETICAL.index(name) for name in names_of(FER_CODES)])


def _csv(top: Path, codes: np.ndarray) -> Path:
    (top / "faces.csv").write_text(csv_text(fer_columns(IMAGES, codes, ["Training"] * 42)))
    return top / "faces.csv"


def _npz(top: Path, codes: np.ndarray, **arrays: object) -> Path:
    np.savez(top / "faces.npz", images=IMAGES, labels=codes, **arrays)
    return top / "faces.npz"


def _one_hot(top: Path, codes: np.ndarray) -> Path:
    return _npz(top, np.eye(7)[codes])


def _parquet(top: Path, codes: np.ndarray) -> Path:
    return write_parquet(top / "faces.parquet", [png(image) for image in IMAGES], label=codes)


def _folders(top: Path, codes: np.ndarray) -> Path:
    return write_folders(top / "faces", IMAGES, [str(code) for code in codes])


def _zip(top: Path, codes: np.ndarray) -> Path:
    return zip_of(_folders(top, codes), top / "faces.zip")


FORMS = (_csv, _npz, _one_hot, _parquet, _folders, _zip)


@pytest.mark.parametrize("write", FORMS)
def test_numbers_without_names_are_fer2013_codes_and_it_is_said_once(write, tmp_path):
    dataset = open_dataset(write(tmp_path, FER_CODES))
    check_names(dataset, 42)
    assert [note for note in dataset.warnings if note.startswith("Labels ")] == [CODES_NOTE]
    assert dataset.codes == dict(enumerate(CODES))


def test_names_are_taken_as_they_are(tmp_path):
    write_folders(tmp_path, IMAGES, names_of(FER_CODES))
    dataset = open_dataset(tmp_path)
    assert dataset.codes == {} and not any(note.startswith("Labels ") for note in dataset.warnings)


def test_the_note_stays_with_data_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_core.data.cache._MIN_IMAGES", 0)
    path = training_csv(tmp_path / "faces.csv")
    first, again = open_dataset(path), open_dataset(path)
    assert isinstance(again.images, np.memmap)
    assert first.warnings == again.warnings and CODES_NOTE in again.warnings
    assert first.codes == again.codes == dict(enumerate(CODES))


FILES = {
    "classes.txt": "\n".join(ALPHABETICAL),
    "labels.txt": "\r\n".join(f"{code} {name}" for code, name in enumerate(ALPHABETICAL)) + "\r\n",
    "class_names.txt": "\n".join(f"{name.title()}: {code}" for code, name in enumerate(ALPHABETICAL)),
    "label_map.json": json.dumps(dict(enumerate(ALPHABETICAL))),
    "class_indices.json": json.dumps({name: code for code, name in enumerate(ALPHABETICAL)}),
    "labels.json": json.dumps(ALPHABETICAL),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("write", FORMS)
def test_a_file_beside_the_data_names_the_numbers(write, name, tmp_path):
    path = write(tmp_path, ALPHABETICAL_CODES)
    zipped = path.suffix == ".zip"
    folder = tmp_path if path.is_file() and not zipped else tmp_path / "faces"
    (folder / name).write_text(FILES[name])
    if zipped:
        zip_of(folder, path)
    dataset = open_dataset(path)
    check_names(dataset, 42)
    (note,) = (note for note in dataset.warnings if note.startswith("Labels "))
    assert f"the names in {'faces/' * zipped}{name}: 0 angry, 1 disgust, 2 fear, 3" in note.lower()
    assert dataset.codes == dict(enumerate(ALPHABETICAL))


def test_a_changed_file_of_names_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("fer_core.data.cache._MIN_IMAGES", 0)
    path = _npz(tmp_path, ALPHABETICAL_CODES)
    assert open_dataset(path).warnings[0] == CODES_NOTE
    (tmp_path / "classes.txt").write_text(FILES["classes.txt"])
    check_names(open_dataset(path), 42)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "happy",
        "cat\ndog\nfish\n",
        "0.png happy\n1.png sad\n" * 200,
        '{"0": 3}',
        '{"0": "happy", "00": "sad"}',
        "[" * 100_000,
        "\0\xff",
        "happy\nsad\n" + "x" * 200,
        '{"a": true, "happy": false}',
    ],
)
def test_a_file_that_names_no_classes_is_passed_over(content, tmp_path):
    path = _npz(tmp_path, FER_CODES)
    for name in names_files.FILE_NAMES:
        (tmp_path / name).write_text(content)
    dataset = open_dataset(path)
    check_names(dataset, 42)
    assert CODES_NOTE in dataset.warnings


@pytest.mark.parametrize("key", ["class_names", "classes", "label_names"])
@pytest.mark.parametrize("kind", ["U", "S"])
@pytest.mark.parametrize("write", [lambda codes: codes, lambda codes: np.eye(7)[codes]])
def test_names_in_an_npz_are_used(key, kind, write, tmp_path):
    names = {key: np.array(ALPHABETICAL).astype(kind)}
    dataset = open_dataset(_npz(tmp_path, write(ALPHABETICAL_CODES), **names))
    check_names(dataset, 42)
    assert dataset.codes == dict(enumerate(ALPHABETICAL))
    assert not any(note.startswith("Labels ") for note in dataset.warnings)


def test_names_in_the_metadata_of_a_parquet_are_used(tmp_path):
    blobs = [png(image) for image in IMAGES]
    path = write_parquet(tmp_path / "faces.parquet", blobs, ALPHABETICAL, label=ALPHABETICAL_CODES)
    dataset = open_dataset(path)
    check_names(dataset, 42)
    assert not any(note.startswith("Labels ") for note in dataset.warnings)


def test_names_in_the_data_go_before_those_beside_it(tmp_path):
    path = _npz(tmp_path, ALPHABETICAL_CODES, class_names=np.array(ALPHABETICAL))
    (tmp_path / "classes.txt").write_text("\n".join(CODES))
    assert label_names(open_dataset(path)) == names_of(FER_CODES)
