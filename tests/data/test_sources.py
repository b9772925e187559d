"""Every form of FER data is read with the right pixels, splits and, above all, label names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import SPLITS, open_dataset

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
    pixel_text,
    png,
    training_csv,
    write_folders,
    write_parquet,
    write_zip,
    zip_of,
)
from .conftest import Fer2013

LOSSLESS = ("fer2013-csv", "icml-csv", "npz", "parquet")


def split_names(dataset) -> list[str]:
    return [SPLITS[split] for split in dataset.splits]


# --- FER2013 itself, in the forms that unpack.py writes


@pytest.mark.parametrize("form", LOSSLESS)
def test_fer2013_is_read_exactly(fer2013: Fer2013, form):
    dataset = open_dataset(fer2013[form])
    assert np.array_equal(dataset.images, fer2013.images)
    assert label_names(dataset) == fer2013.names
    assert split_names(dataset) == fer2013.splits
    assert dataset.counts() == fer2013.counts()
    assert dataset.rows.tolist() == list(range(len(dataset)))
    assert dataset.warnings == (CODES_NOTE,)


def test_lossless_forms_of_fer2013_have_one_fingerprint(fer2013: Fer2013, tmp_path):
    sources = [fer2013[form] for form in LOSSLESS]
    sources += [zip_of(fer2013.folder / form, tmp_path / f"{form}.zip") for form in LOSSLESS]
    assert len({open_dataset(source).fingerprint for source in sources}) == 1


@pytest.mark.parametrize(
    ("form", "tolerance"), [("png-folders", 0), ("train-test", 8), ("train-validation", 8)]
)
def test_fer2013_as_class_folders(fer2013: Fer2013, form, tolerance):
    """The name of a file contains the row of the picture in FER2013."""
    top = fer2013[form]
    files = sorted(p.relative_to(top) for p in top.rglob("*") if p.is_file())
    dataset = open_dataset(top)
    assert len(dataset) == len(files)
    files = [files[row] for row in dataset.rows]
    truth = [int(file.stem.split("_")[1]) for file in files]

    assert label_names(dataset) == [fer2013.names[i] for i in truth]
    difference = np.abs(dataset.images.astype(int) - fer2013.images[truth]).mean(axis=(1, 2))
    assert difference.max() <= tolerance
    if form == "train-validation":
        assert split_names(dataset) == [file.parts[0] for file in files]
    else:  # a part of train is held out for validation
        assert ["train" if s == "validation" else s for s in split_names(dataset)] == [
            file.parts[0] for file in files
        ]
        assert dataset.split_names() == ["train", "validation", "test"]


def test_fer2013_as_train_csv_and_unlabelled_test_csv(fer2013: Fer2013):
    dataset = open_dataset(fer2013["train-test-csv"])
    in_train = np.array(fer2013.splits) == "train"
    for found, truth in (
        (dataset.splits != SPLITS.index("test"), in_train),
        (dataset.splits == SPLITS.index("test"), ~in_train),
    ):
        assert np.array_equal(dataset.images[found], fer2013.images[truth])
    counts, truth = dataset.counts(), fer2013.counts()["train"]
    assert counts["test"] == {"unlabelled": np.sum(~in_train)}
    assert {name: counts["train"].get(name, 0) + counts["validation"].get(name, 0) for name in truth} == truth


@pytest.mark.parametrize("form", ["fer2013-csv", "png-folders"])
def test_zipped_fer2013_equals_the_unzipped(fer2013: Fer2013, form, tmp_path):
    plain, zipped = (
        open_dataset(fer2013[form]),
        open_dataset(zip_of(fer2013.folder / form, tmp_path / "archive.zip")),
    )
    assert zipped.format == f"zip of {plain.format}"
    assert np.array_equal(plain.images, zipped.images)
    assert label_names(plain) == label_names(zipped) and split_names(plain) == split_names(zipped)


def test_kaggle_data_set_is_what_kagglehub_downloads(monkeypatch, tmp_path):
    asked = []
    training_csv(tmp_path / "fer2013.csv")
    monkeypatch.setattr("kagglehub.dataset_download", lambda handle: asked.append(handle) or str(tmp_path))
    dataset = open_dataset("kaggle:msambare/fer2013")
    assert asked == ["msambare/fer2013"]
    assert dataset.source == "kaggle:msambare/fer2013"
    assert dataset.fingerprint == open_dataset(tmp_path / "fer2013.csv").fingerprint
    check_names(dataset, 40)


# --- Label names, never positions. The grey level of every picture reveals its class.

SYNONYMS = ("Anger", "disgusted", "FEARFUL", "Happiness", "sadness", "surprised", "Calm")
Writer = Callable[[Path, np.ndarray, np.ndarray], Path]


def _folders(words, suffix=".png") -> Writer:
    return lambda top, images, codes: write_folders(top, images, [f"train/{words[c]}" for c in codes], suffix)


def _csv(words) -> Writer:
    def write(top, images, codes):
        (top / "faces.csv").write_text(
            csv_text(fer_columns(images, [words[c] for c in codes], ["Training"] * len(codes)))
        )
        return top / "faces.csv"

    return write


def _parquet(words, class_names=None) -> Writer:
    return lambda top, images, codes: write_parquet(
        top / "faces.parquet", [png(i) for i in images], class_names, label=[words[c] for c in codes]
    )


def _npz(
    labels: Callable[[np.ndarray], np.ndarray], names: tuple[str, str] = ("pixels", "emotion")
) -> Writer:
    def write(top, images, codes):
        np.savez_compressed(top / "faces.npz", **dict(zip(names, (images, labels(codes)), strict=True)))
        return top / "faces.npz"

    return write


def _zipped(write: Writer) -> Writer:
    def write_and_zip(top, images, codes):
        write(top, images, codes)
        return zip_of(top, top.with_suffix(".zip"))

    return write_and_zip


WRITERS: dict[str, Writer] = {
    "folders": _folders(CODES),
    "folders of JPEG": _folders(CODES, ".jpg"),
    "folders with synonyms": _folders(SYNONYMS),
    "folders with codes": _folders(range(7)),
    "folders with alphabetical numbers and names": _folders([f"{ALPHABETICAL.index(c)}_{c}" for c in CODES]),
    "csv with codes": _csv(range(7)),
    "csv with names": _csv(CODES),
    "csv with synonyms": _csv(SYNONYMS),
    "parquet with codes": _parquet(range(7)),
    "parquet with names": _parquet(CODES),
    "parquet with ClassLabel": _parquet([ALPHABETICAL.index(c) for c in CODES], ALPHABETICAL),
    "parquet with ClassLabel synonyms": _parquet(
        [sorted(SYNONYMS).index(s) for s in SYNONYMS], sorted(SYNONYMS)
    ),
    "npz with codes": _npz(lambda codes: codes.astype(np.int8)),
    "npz with codes as a float column": _npz(lambda codes: codes[:, None].astype(np.float64)),
    "npz with one-hot rows": _npz(lambda codes: np.eye(7, dtype=np.float32)[codes]),
    "npz with names": _npz(lambda codes: np.array(names_of(codes))),
    "npz with names as bytes": _npz(lambda codes: np.array(names_of(codes), "S")),
    "npz as Keras names it": _npz(lambda codes: codes, ("x_train", "y_train")),
    "zip of folders": _zipped(_folders(CODES)),
    "zip of csv": _zipped(_csv(CODES)),
    "zip of parquet": _zipped(_parquet([ALPHABETICAL.index(c) for c in CODES], ALPHABETICAL)),
    "zip of npz": _zipped(_npz(lambda codes: codes)),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_every_image_stands_under_its_own_name(write: Writer, tmp_path):
    """Folders are read in alphabetical order, which is not the order of the codes."""
    top = tmp_path / "set"
    top.mkdir()
    check_names(open_dataset(write(top, *faces(42))), 42)


# --- Tables


SPELLINGS = {
    "BOM": lambda columns: "\ufeff" + csv_text(columns),
    "CRLF": lambda columns: csv_text(columns, newline="\r\n"),
    "semicolons": lambda columns: csv_text(columns, delimiter=";"),
    "tabs": lambda columns: csv_text(columns, delimiter="\t"),
    "no last line end": lambda columns: csv_text(columns).rstrip("\n"),
    "blank last lines": lambda columns: csv_text(columns) + "\n\n",
    "quoted pixels": lambda columns: csv_text(columns | {"pixels": [f'"{p}"' for p in columns["pixels"]]}),
    "blanks around pixels": lambda columns: csv_text(
        columns | {"pixels": [f" {p}  " for p in columns["pixels"]]}
    ),
    "blanks around cells": lambda columns: csv_text(
        {k: [f" {v} " for v in values] for k, values in columns.items()}
    ),
    "blanks and capitals in the header": lambda columns: csv_text(
        {f" {name.upper()} ": values for name, values in columns.items()}
    ),
    "quoted header": lambda columns: csv_text({f'"{name}"': values for name, values in columns.items()}),
    "other column names": lambda columns: csv_text(
        dict(zip(("label", "image", "split"), columns.values(), strict=True))
    ),
    "columns reversed": lambda columns: csv_text(dict(reversed(columns.items()))),
    "pixels first": lambda columns: csv_text(
        {name: columns[name] for name in ("pixels", "emotion", "Usage")}
    ),
    "further columns": lambda columns: csv_text({"": range(42)} | columns | {"note": ["none"] * 42}),
    "BOM and CRLF and quoted header": lambda columns: (
        "\ufeff" + csv_text({f'"{n}"': v for n, v in reversed(columns.items())}, newline="\r\n")
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_csv_in_any_spelling(spelling, tmp_path):
    images, codes = faces(42)
    usages = (["Training", "PublicTest", "PrivateTest"] * 14)[:42]
    path = tmp_path / "faces.csv"
    path.write_bytes(spelling(fer_columns(images, codes, usages)).encode())
    dataset = open_dataset(path)
    assert np.array_equal(dataset.images, images)
    assert label_names(dataset) == names_of(codes)
    assert split_names(dataset) == ["train", "validation", "test"] * 14
    assert dataset.warnings == (CODES_NOTE,)


@pytest.mark.parametrize("odd", [False, True], ids=["single blanks", "a double blank"])
def test_every_number_is_read_exactly(odd, tmp_path):
    """Tidy cells and untidy ones are read in different ways."""
    images = np.stack([np.roll(np.arange(2304) % 256, shift).reshape(48, 48) for shift in range(130)]).astype(
        np.uint8
    )
    pixels = pixel_text(images)
    if odd:
        pixels[1::2] = [text.replace(" ", "  ", 1) for text in pixels[1::2]]
    path = tmp_path / "faces.csv"
    path.write_text(csv_text({"emotion": [3] * 130, "pixels": pixels, "Usage": ["PrivateTest"] * 130}))
    assert np.array_equal(open_dataset(path).images, images)


@pytest.mark.parametrize("word", ["val", "valid", "VALIDATION", "publictest", " Val "])
def test_words_for_the_validation_split(word, tmp_path):
    images, codes = faces(14)
    path = tmp_path / "faces.csv"
    path.write_text(csv_text(fer_columns(images, codes, ["Training", word] * 7)))
    assert split_names(open_dataset(path)) == ["train", "validation"] * 7


def _three_csv(top: Path, images, codes) -> None:
    for number, name in enumerate(("train", "val", "test")):
        part = fer_columns(images[number::3], codes[number::3], ["-"] * 14)
        (top / f"fer_{name}.csv").write_text(csv_text({k: v for k, v in part.items() if k != "Usage"}))


def _three_parquet(top: Path, images, codes) -> None:
    for number, name in enumerate(("train", "validation", "test")):
        blobs = [png(image) for image in images[number::3]]
        write_parquet(top / "data" / f"{name}-00000-of-00001.parquet", blobs, label=codes[number::3])


def _keras_npz(top: Path, images, codes) -> None:
    names = ("train", "val", "test")
    arrays = {f"x_{s}": images[i::3] for i, s in enumerate(names)} | {
        f"y_{s}": codes[i::3] for i, s in enumerate(names)
    }
    np.savez(top / "faces.npz", **arrays)


@pytest.mark.parametrize("write", [_three_csv, _three_parquet, _keras_npz])
def test_splits_named_by_files_and_arrays(write, tmp_path):
    images, codes = faces(42)
    write(tmp_path, images, codes)
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    for number, split in enumerate(("train", "validation", "test")):
        assert np.array_equal(dataset.images[dataset.indices(split)], images[number::3])


def test_one_table_with_splits_stands_for_the_partial_ones_beside_it(tmp_path):
    """As in the Kaggle contest's archive, whose train.csv and test.csv repeat what icml_face_data.csv has."""
    training_csv(tmp_path / "icml_face_data.csv")
    alone = open_dataset(tmp_path)
    images, codes = faces(40)
    columns = fer_columns(images, codes, [])
    (tmp_path / "train.csv").write_text(csv_text({"emotion": codes, "pixels": columns["pixels"]}))
    (tmp_path / "test.csv").write_text(csv_text({"pixels": columns["pixels"]}))
    (tmp_path / "example_submission.csv").write_text("id,emotion\n1,0\n")
    dataset = open_dataset(tmp_path)
    assert dataset.fingerprint == alone.fingerprint
    assert any("train.csv" in w and "test.csv" in w for w in dataset.warnings)


def test_fer_plus_votes_beside_the_images_are_no_images(tmp_path):
    training_csv(tmp_path / "fer2013.csv")
    votes = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    (tmp_path / "fer2013new.csv").write_text(votes + "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n" * 40)
    check_names(open_dataset(tmp_path), 40)


def test_zip_made_on_a_mac_holds_one_table(tmp_path):
    table = training_csv(tmp_path / "fer2013.csv").read_bytes()
    members = {"fer2013.csv": table, "__MACOSX/._fer2013.csv": b"\0\5\x16\7", ".DS_Store": b"\0\0\0\1Bud1"}
    check_names(open_dataset(write_zip(tmp_path / "archive.zip", members)), 40)


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images.reshape(-1, 48 * 48),
        lambda images: images[..., None],
        lambda images: np.stack([images] * 3, axis=-1),
        lambda images: images.astype(np.int64),
        lambda images: images.astype(np.float64),
        lambda images: (images / 255).astype(np.float32),
    ],
    ids=["flat", "one channel", "RGB", "int64", "float 0..255", "float 0..1"],
)
def test_arrays_of_any_shape_and_type(form, tmp_path):
    images, codes = faces(14)
    np.savez(tmp_path / "faces.npz", images=form(images), labels=codes)
    assert np.array_equal(open_dataset(tmp_path / "faces.npz").images, images)


def test_npz_of_the_size_of_fer2013_is_not_taken_for_a_bomb(tmp_path):
    """28,709 times "Training" packs far better than pictures do."""
    images = np.tile(faces(1000)[0], (29, 1, 1))
    usages = np.array(["Training"] * 26_000 + ["PublicTest"] * 3000)
    path = tmp_path / "fer2013.npz"
    np.savez(
        path, pixels=images, emotion=np.arange(len(images)) % 7
    )  # savez_compressed would take seconds for these
    buffer = io.BytesIO()
    np.save(buffer, usages)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("usage.npy", buffer.getvalue())
    assert open_dataset(path).split_names() == ["train", "validation"]
