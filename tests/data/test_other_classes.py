"""Other classes than the seven: read, said, and mapped or left out by choice, alike in every form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.emotions import suggest
from fer_core.errors import DataError
from fer_core.label_options import LabelOptions, join_source

from .build import (
    CODES,
    check_names,
    class_in,
    csv_text,
    faces,
    fer_columns,
    label_names,
    names_of,
    png,
    refused,
    write_folders,
    write_parquet,
    zip_of,
)

IMAGES, FER_CODES = faces(70)
OTHER = np.arange(0, 70, 7)  # the angry ones have another class in the data


def _csv(top: Path, labels: list[str]) -> Path:
    (top / "faces.csv").write_text(csv_text(fer_columns(IMAGES, labels, ["Training"] * 70)))
    return top / "faces.csv"


def _npz(top: Path, labels: list[str]) -> Path:
    np.savez(top / "faces.npz", images=IMAGES, labels=np.array(labels))
    return top / "faces.npz"


def _parquet(top: Path, labels: list[str]) -> Path:
    return write_parquet(top / "faces.parquet", [png(image) for image in IMAGES], label=labels)


def _folders(top: Path, labels: list[str]) -> Path:
    return write_folders(top / "faces", IMAGES, labels)


def _zip(top: Path, labels: list[str]) -> Path:
    return zip_of(_folders(top, labels), top / "faces.zip")


def _named_numbers(top: Path, labels: list[str]) -> Path:
    names = sorted(set(labels))
    codes = np.array([names.index(label) for label in labels])
    np.savez(top / "numbers.npz", images=IMAGES, labels=codes, class_names=np.array(names))
    return top / "numbers.npz"


FORMS = (_csv, _npz, _parquet, _folders, _zip, _named_numbers)
Write = Callable[[Path, list[str]], Path]


def labels_with(word: str, count: int = 10) -> list[str]:
    labels = names_of(FER_CODES)
    for i in OTHER[:count]:
        labels[i] = word
    return labels


def opened(path: Path, **options: str) -> Dataset:
    return open_dataset(join_source(str(path), LabelOptions(**options)))


@pytest.mark.parametrize("write", FORMS)
@pytest.mark.parametrize("word", ["contempt", "Ahegao", "unknown", "suprise"])
def test_other_classes_are_left_out_and_said(write: Write, word: str, tmp_path: Path) -> None:
    dataset = opened(write(tmp_path, labels_with(word)))
    check_names(dataset, 60)
    assert "angry" not in label_names(dataset)
    (note,) = (note for note in dataset.warnings if "other classes" in note)
    assert note.startswith("10 images of other classes left out: ") and "--map WORD=CLASS" in note
    if write is not _named_numbers:
        assert f"{word!r} (10, the first is " in note and dataset.other_classes == {word: 10}
        assert ("is it surprise?" in note) == (word == "suprise")


@pytest.mark.parametrize("write", FORMS)
def test_they_are_mapped_by_choice(write: Write, tmp_path: Path) -> None:
    dataset = opened(write(tmp_path, labels_with("Contempt")), mapping="contempt=anger")
    check_names(dataset, 70)
    assert "Labels mapped as chosen: contempt as angry." in dataset.warnings and not dataset.other_classes


@pytest.mark.parametrize("write", FORMS)
def test_they_are_left_out_by_choice(write: Write, tmp_path: Path) -> None:
    path = write(tmp_path, labels_with("Contempt"))
    dataset = opened(path, leave_out="contempt")
    check_names(dataset, 60)
    assert "Images left out as chosen: contempt (10)." in dataset.warnings
    assert not any("other classes" in note for note in dataset.warnings) and not dataset.other_classes
    both = opened(path, leave_out="contempt,happy")
    check_names(both, 50)
    assert "Images left out as chosen: contempt (10), happy (10)." in both.warnings


@pytest.mark.parametrize("write", FORMS)
def test_more_than_a_fifth_is_refused_until_it_is_chosen(write: Write, tmp_path: Path) -> None:
    labels = ["bored" if name in ("angry", "fear") else name for name in names_of(FER_CODES)]
    path = write(tmp_path, labels)
    refused(path, "'bored'" if write is not _named_numbers else "bored", "--leave-out")
    dataset = opened(path, leave_out="bored")
    assert label_names(dataset) == [class_in(image) for image in dataset.images] and len(dataset) == 50


def test_numbers_are_mapped_and_left_out_too(tmp_path: Path) -> None:
    codes = np.where(FER_CODES == 0, 7, FER_CODES)
    np.savez(tmp_path / "faces.npz", images=IMAGES, labels=codes)
    path = tmp_path / "faces.npz"
    assert "code 7 (10, the first is row 1)" in opened(path).warnings[0]
    check_names(opened(path, mapping="7=angry"), 70)
    dataset = opened(path, leave_out="7,3")
    check_names(dataset, 50)
    assert "Images left out as chosen: 7 (10), 3 (10)." in dataset.warnings
    affectnet = ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"]
    np.savez(path, images=IMAGES, labels=np.array([affectnet.index(CODES[code]) for code in FER_CODES]))
    check_names(opened(path, classes="affectnet", leave_out="contempt"), 70)


def test_digests_and_rows_stay_with_their_images(tmp_path: Path) -> None:
    path = _csv(tmp_path, labels_with("contempt"))
    dataset = opened(path, leave_out="contempt")
    assert dataset.rows.tolist() == [row for row in range(70) if row not in OTHER]
    named = _npz(tmp_path, labels_with("contempt"))
    assert dataset.fingerprint == opened(named, leave_out="contempt").fingerprint


def test_notes_are_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_core.data.cache._MIN_IMAGES", 0)
    path = _npz(tmp_path, labels_with("contempt"))
    first, again = opened(path), opened(path)
    assert isinstance(again.images, np.memmap)
    assert first.warnings == again.warnings and again.other_classes == {"contempt": 10}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mapping": "contempt=bored"}, "expected WORD=CLASS"),
        ({"mapping": "contempt"}, "expected WORD=CLASS"),
        ({"mapping": "=happy"}, "expected WORD=CLASS"),
        ({"mapping": "a=happy", "leave_out": "A"}, "both mapped to a class and left out"),
        ({"leave_out": ",".join(map(str, range(200)))}, "at most 100"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        opened(_npz(tmp_path, labels_with("contempt")), **options)


def test_to_leave_out_everything_is_refused(tmp_path: Path) -> None:
    path = _npz(tmp_path, labels_with("angry"))
    with pytest.raises(DataError, match="Every image is left out"):
        opened(path, leave_out=",".join(CODES))


def test_a_column_of_many_words_holds_no_classes(tmp_path: Path) -> None:
    refused(_npz(tmp_path, [f"word {i}" for i in range(70)]), "'word 0'")


def test_spelling() -> None:
    assert (suggest("suprise"), suggest("hapiness"), suggest("nuetral")) == ("surprise", "happy", "neutral")
    assert suggest("contempt") is suggest("x" * 10_000) is None
