"""Forms of data that people have, each with the right label for every image."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.data import open_dataset
from fer_core.data.budget import Budget
from fer_core.data.vote_counts import COLUMNS
from fer_core.data.votes import find_votes, read_votes
from fer_core.errors import DataError
from tests import tiny

from .build import (
    ALPHABETICAL,
    check_names,
    csv_text,
    faces,
    fer_columns,
    names_of,
    refused,
    write_folders,
    zip_of,
)

IMAGES, FER_CODES = faces(42)
RAF_DB = ["-", "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"]
AFFECTNET = ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"]
SPLITS = ("train", "validation", "test")


def note_of(dataset, word: str) -> str:
    (note,) = (note for note in dataset.warnings if word in note)
    return note


def write_flat(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for image, name in zip(IMAGES, names, strict=True):
        Image.fromarray(image).save(folder / name)


# --- numbered folders


def test_raf_db_has_folders_1_to_7(tmp_path: Path) -> None:
    folders = [
        f"DATASET/{('train', 'test')[i % 2]}/{RAF_DB.index(n)}" for i, n in enumerate(names_of(FER_CODES))
    ]
    write_folders(tmp_path, IMAGES, folders)
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    assert "RAF-DB's folders 1 to 7: 1 surprise, 2 fear" in note_of(dataset, "Labels read")
    zipped = open_dataset(zip_of(tmp_path / "DATASET", tmp_path / "raf.zip"))
    assert zipped.fingerprint == dataset.fingerprint
    write_folders(
        tmp_path / "six", IMAGES[FER_CODES < 6], [str(code + 1) for code in FER_CODES[FER_CODES < 6]]
    )
    assert "FER2013's codes" in note_of(open_dataset(tmp_path / "six"), "Labels read"), "not RAF-DB's"


def test_affectnet_has_folders_0_to_7(tmp_path: Path) -> None:
    write_folders(tmp_path, IMAGES, [f"train_set/{AFFECTNET.index(name)}" for name in names_of(FER_CODES)])
    Image.fromarray(IMAGES[0]).save(
        (tmp_path / "train_set" / "7").mkdir() or tmp_path / "train_set" / "7" / "x.png"
    )
    dataset = open_dataset(f"{tmp_path}?classes=affectnet&leave-out=contempt")
    check_names(dataset, 42)


@pytest.mark.parametrize("number", [str, int])
def test_affectnet_has_annotations_of_each_picture(number: Callable[[int], object], tmp_path: Path) -> None:
    for i, (image, name) in enumerate(zip(IMAGES, names_of(FER_CODES), strict=True)):
        part = tmp_path / ("train_set" if i % 3 else "val_set")
        for folder in ("images", "annotations"):
            (part / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(part / "images" / f"{i}.png")
        np.save(part / "annotations" / f"{i}_exp.npy", np.array(number(AFFECTNET.index(name))))
        np.save(part / "annotations" / f"{i}_lnd.npy", np.zeros(136))
    (tmp_path / "val_set" / "annotations" / "0_exp.npy").write_bytes(b"no array")
    dataset = open_dataset(tmp_path)
    check_names(dataset, 41)
    assert dataset.format == "folder of AffectNet annotations"
    assert {SPLITS[split] for split in dataset.splits} == {"train", "validation"}
    assert "left out: 1 picture without one label" in note_of(dataset, "Labels read from")


# --- lists beside pictures


@pytest.mark.parametrize("header", ["image,label", "pth,label", "file_name,emotion", "path,class"])
@pytest.mark.parametrize("where", ["", "images/", "data/images/"])
@pytest.mark.parametrize("coded", [False, True])
def test_a_csv_of_paths_and_labels(header: str, where: str, coded: bool, tmp_path: Path) -> None:
    files = [f"p{i:03}.png" for i in range(42)]
    write_flat(tmp_path / where, files)
    labels = FER_CODES.tolist() if coded else names_of(FER_CODES)
    path, label = header.split(",")
    rows = {path: [where.removeprefix("data/") + file for file in files], label: labels}
    (tmp_path / "labels.csv").write_text(csv_text(rows))
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    assert dataset.format == "list of pictures"
    assert note_of(dataset, "Labels read from") == "Labels read from a list of pictures; left out: nothing."
    refused(tmp_path / "labels.csv", "list of pictures", "open the folder")


def test_lists_name_splits_and_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    files = [f"p{i:03}.png" for i in range(42)]
    write_flat(tmp_path / "all", files)
    uses = [("Training", "PublicTest", "PrivateTest")[i % 3] for i in range(42)]
    rows = {
        "image": ["gone.png", *files[:40]],
        "label": ["sad", *names_of(FER_CODES)[:40]],
        "usage": ["Training", *uses[:40]],
    }
    (tmp_path / "list.csv").write_text(csv_text(rows))
    dataset = open_dataset(tmp_path)
    check_names(dataset, 40)
    assert [SPLITS[split] for split in dataset.splits] == [SPLITS[i % 3] for i in range(40)]
    note = note_of(dataset, "Labels read from")
    assert "2 pictures without a line, 1 line without a picture." in note


def test_the_same_name_in_two_folders(tmp_path: Path) -> None:
    names = names_of(FER_CODES)
    for part, indices in (("a", range(0, 42, 2)), ("b", range(1, 42, 2))):
        (tmp_path / part).mkdir()
        for number, i in enumerate(indices):
            Image.fromarray(IMAGES[i]).save(tmp_path / part / f"{number}.png")
    lines = [f"{'ab'[i % 2]}/{i // 2}.png,{names[i]}" for i in range(42)]
    (tmp_path / "labels.csv").write_text("file,label\n" + "\n".join(lines) + "\n")
    check_names(open_dataset(tmp_path), 42)


def test_ferplus_as_its_own_script_writes_it(tmp_path: Path) -> None:
    """Folders with a label.csv of votes; the majority counts, and pictures without one are left out."""
    folders = ("FER2013Train", "FER2013Valid", "FER2013Test")
    lines: dict[str, list[str]] = {folder: [] for folder in folders}
    for i, (image, code) in enumerate(zip(IMAGES, FER_CODES, strict=True)):
        votes = {tiny.COLUMN_OF_CODE[code]: 6, tiny.COLUMN_OF_CODE[(code + 1) % 7]: 3, "NF": 1}
        if i in (5, 6):
            votes = {"contempt": 10} if i == 5 else {"fear": 5, "sadness": 5}
        (tmp_path / folders[i % 3]).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / folders[i % 3] / f"fer{i:07}.png")
        row = ",".join(map(str, tiny.votes_row(votes)))
        lines[folders[i % 3]].append(f'fer{i:07}.png,"(0, 0, 48, 48)",{row}')
    for folder in folders:
        (tmp_path / folder / "label.csv").write_text("\n".join(lines[folder]) + "\n")
    dataset = open_dataset(tmp_path)
    check_names(dataset, 40)
    assert dataset.format == "FER+ pictures" and "2 pictures without one label" in note_of(dataset, "FER+")
    path = find_votes(f"{tmp_path}?leave-out=contempt")
    assert path == tmp_path / "FER2013Test" / "label.csv"
    votes = read_votes(path, dataset)
    assert np.array_equal(votes.majority(), dataset.labels) and set(votes.counts.sum(axis=1)) == {10}
    kept = [i for i in range(42) if i not in (5, 6)]
    order = [i for folder in sorted(folders) for i in kept if folders[i % 3] == folder]
    asked = [tiny.COLUMN_OF_CODE[(FER_CODES[i] + 1) % 7] for i in order]
    assert [votes.counts[n, COLUMNS.index(name)] for n, name in enumerate(asked)] == [3] * 40
    (tmp_path / "FER2013Valid" / "label.csv").write_text(lines["FER2013Valid"][0] + "\n")
    with pytest.raises(DataError, match="do not have all pictures"):
        read_votes(path, dataset)
    for split, folder in zip(SPLITS, folders, strict=True):
        assert len(dataset.indices(split)) == len(lines[folder]) - sum(
            i % 3 == folders.index(folder) for i in (5, 6)
        )


def test_roboflow_classification_as_csv(tmp_path: Path) -> None:
    for split, word in enumerate(("train", "valid", "test")):
        rows = [i for i in range(42) if i % 3 == split]
        (tmp_path / word).mkdir()
        lines = ["filename, " + ", ".join(ALPHABETICAL)]
        for i in rows:
            Image.fromarray(IMAGES[i]).save(tmp_path / word / f"a{i}_png.rf.0f.png")
            marks = ["1" if name == names_of([FER_CODES[i]])[0] else "0" for name in ALPHABETICAL]
            lines.append(f"a{i}_png.rf.0f.png, " + ", ".join(marks))
        (tmp_path / word / "_classes.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "README.roboflow.txt").write_text("exported\n")
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    assert [len(dataset.indices(split)) for split in SPLITS] == [14, 14, 14]
    assert dataset.format == "Roboflow export"


def test_roboflow_and_yolo_classification_folders(tmp_path: Path) -> None:
    words = ("train", "val", "test")
    write_folders(
        tmp_path, IMAGES, [f"{words[i % 3]}/{n.title()}" for i, n in enumerate(names_of(FER_CODES))]
    )
    (tmp_path / "README.dataset.txt").write_text("# Faces\n")
    check_names(open_dataset(tmp_path), 42)


@pytest.mark.parametrize("aligned", ["", "_aligned"])
def test_raf_db_s_list_of_pictures_and_numbers(aligned: str, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    lines = []
    for i, (image, name) in enumerate(zip(IMAGES, names_of(FER_CODES), strict=True)):
        stem = f"{('train', 'test')[i % 3 == 2]}_{i:05}"
        Image.fromarray(image).save(tmp_path / "pictures" / f"{stem}{aligned}.jpg", quality=100)
        lines.append(f"{stem}.jpg {RAF_DB.index(name)}\n")
    (tmp_path / "list_patition_label.txt").write_text("".join(lines))
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    assert dataset.format == "RAF-DB list" and len(dataset.indices("test")) == 14


NAMES_LINES = {
    "one line": f"names: [{', '.join(repr(name) for name in ALPHABETICAL)}]\n",
    "list": "names:\n" + "".join(f"- {name.title()}\n" for name in ALPHABETICAL),
    "numbers": "names:\n" + "".join(f"  {i}: {name}\n" for i, name in enumerate(ALPHABETICAL)),
}


@pytest.mark.parametrize("names", NAMES_LINES.values(), ids=NAMES_LINES.keys())
def test_yolo_exports_with_one_face_a_picture(names: str, tmp_path: Path) -> None:
    for i, name in enumerate(names_of(FER_CODES)):
        part = tmp_path / ("train", "valid", "test")[i % 3]
        (part / "images").mkdir(parents=True, exist_ok=True)
        (part / "labels").mkdir(exist_ok=True)
        Image.fromarray(IMAGES[i]).save(part / "images" / f"{i}.png")
        (part / "labels" / f"{i}.txt").write_text(f"{ALPHABETICAL.index(name)} 0.5 0.5 1 1\n")
    (tmp_path / "data.yaml").write_text(f"train: ../train/images\nnc: 7\n{names}roboflow:\n  version: 1\n")
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    assert dataset.format == "YOLO export" and [len(dataset.indices(split)) for split in SPLITS] == [
        14,
        14,
        14,
    ]
    (tmp_path / "train" / "labels" / "0.txt").write_text("0 0.2 0.2 0.1 0.1\n1 0.8 0.8 0.1 0.1\n")
    assert "1 picture without one label" in note_of(open_dataset(tmp_path), "YOLO")


@pytest.mark.parametrize(
    ("form", "name", "words"),
    [
        ("JAFFE", "KA.{}1.{}.png", "AN DI FE HA SA SU NE"),
        ("KDEF", "AF{1:02}{0}S.JPG", "AN DI AF HA SA SU NE"),
        ("RAVDESS", "01-01-0{}-01-01-01-{:02}.png", "5 7 6 3 4 8 1"),
    ],
)
def test_classes_in_file_names(form: str, name: str, words: str, tmp_path: Path) -> None:
    codes = words.split()
    for i, (image, code) in enumerate(zip(IMAGES, FER_CODES, strict=True)):
        path = tmp_path / "all" / name.format(codes[code], i)
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path, quality=100)
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    assert f"Labels read from the file names of {form}" in note_of(dataset, "Labels read")


def test_pictures_without_labels_are_no_class_called_images(tmp_path: Path) -> None:
    write_flat(tmp_path / "images", [f"{i}.png" for i in range(42)])
    message = refused(tmp_path, "42 images without a label", "CSV with the path and label of each")
    assert "Unknown class name" not in message


# --- tables


def lists(images: np.ndarray) -> list[str]:
    return [f'"[{", ".join(map(str, row))}]"' for row in images.reshape(len(images), -1).tolist()]


@pytest.mark.parametrize("text", [lists, lambda images: [cell.replace(" ", "") for cell in lists(images)]])
def test_pixels_as_lists(text: Callable[[np.ndarray], list[str]], tmp_path: Path) -> None:
    rows = {"emotion": FER_CODES, "image": text(IMAGES), "Usage": ["Training"] * 42}
    (tmp_path / "faces.csv").write_text(csv_text(rows))
    dataset = open_dataset(tmp_path / "faces.csv")
    check_names(dataset, 42)
    assert np.array_equal(dataset.images, IMAGES)


@pytest.mark.parametrize("pattern", ["pixel{}", "p_{}", "{}"])
@pytest.mark.parametrize("last", [False, True])
def test_one_column_a_pixel(pattern: str, last: bool, tmp_path: Path) -> None:
    columns = {pattern.format(i): IMAGES.reshape(42, -1)[:, i] for i in range(2304)}
    labels = {"emotion": names_of(FER_CODES), "usage": [("train", "val", "test")[i % 3] for i in range(42)]}
    (tmp_path / "faces.csv").write_text(csv_text(columns | labels if last else labels | columns))
    dataset = open_dataset(tmp_path / "faces.csv")
    check_names(dataset, 42)
    assert np.array_equal(dataset.images, IMAGES) and dataset.rows.tolist() == list(range(42))
    assert [SPLITS[split] for split in dataset.splits] == [SPLITS[i % 3] for i in range(42)]
    (tmp_path / "bad.csv").write_text(csv_text(labels | columns | {pattern.format(7): [300] * 42}))
    refused(tmp_path / "bad.csv", "column for each pixel", "300")


@pytest.mark.parametrize(
    "names",
    [
        ("X_train", "y_train", "X_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_npy_pairs(names: tuple[str, ...], zipped: bool, tmp_path: Path) -> None:
    folder = tmp_path / "arrays"
    folder.mkdir()
    arrays = (IMAGES[:28], FER_CODES[:28], IMAGES[28:] / 255, np.eye(7)[FER_CODES[28:]])
    for name, array in zip(names, arrays, strict=True):
        np.save(folder / f"{name}.npy", array)
    dataset = open_dataset(zip_of(folder, tmp_path / "arrays.zip") if zipped else folder)
    check_names(dataset, 42)
    assert len(dataset.indices("test")) == 14
    refused(folder / f"{names[0]}.npy", "single NumPy array", "X_train.npy and y_train.npy")


def test_npy_without_labels_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    np.save(tmp_path / "images.npy", IMAGES)
    refused(tmp_path, "no labels")
    np.save(tmp_path / "labels.npy", np.array([print] * 42, dtype=object), allow_pickle=True)
    refused(tmp_path, "other than plain arrays")


# --- packed


def pack(source: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz" if target.suffix in (".gz", ".tgz") else "w") as tar:
        tar.add(source, source.name)
    return target


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz"])
def test_tar_of_class_folders_and_of_tables(suffix: str, tmp_path: Path) -> None:
    folders = write_folders(tmp_path / "set", IMAGES, [f"train/{name}" for name in names_of(FER_CODES)])
    (folders / "._junk").write_bytes(b"\0")
    dataset = open_dataset(pack(folders, tmp_path / f"set{suffix}"))
    check_names(dataset, 42)
    assert (
        dataset.fingerprint == open_dataset(folders).fingerprint and "tar of class folders" in dataset.format
    )
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "fer.csv").write_text(csv_text(fer_columns(IMAGES, FER_CODES, ["Training"] * 42)))
    np.savez(tmp_path / "table" / "x.npz", images=IMAGES[:1], labels=FER_CODES[:1])
    check_names(open_dataset(pack(tmp_path / "table", tmp_path / f"table{suffix}")), 42)


def test_csv_gz(tmp_path: Path) -> None:
    text = csv_text(fer_columns(IMAGES, FER_CODES, ["Training"] * 42))
    (tmp_path / "fer.csv").write_text(text)
    (tmp_path / "fer.csv.gz").write_bytes(gzip.compress(text.encode()))
    dataset = open_dataset(tmp_path / "fer.csv.gz")
    check_names(dataset, 42)
    assert dataset.fingerprint == open_dataset(tmp_path / "fer.csv").fingerprint
    assert dataset.format == "gzip of csv"


def test_hostile_archives_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"emotion,pixels\n" + b"0" * (64 << 20)))
    refused(tmp_path / "bomb.csv.gz", "would unpack to more than")
    whole = gzip.compress(b"emotion,pixels\n" + b"0 " * 5000)
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.csv.gz", "cut.csv.gz", "damaged")
    for name in ("../out.png", "/out.png", "C:\\out.png"):
        with tarfile.open(tmp_path / "out.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        refused(tmp_path / "out.tar", "points outside the archive")
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        link = tarfile.TarInfo("train/happy/secret.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    refused(tmp_path / "links.tar", "is empty")
    with tarfile.open(tmp_path / "many.tar", "w") as tar:
        for i in range(1100):
            tar.addfile(tarfile.TarInfo(f"{i}.txt"), io.BytesIO())
    with pytest.raises(Exception, match="more than 1,014 members"):
        open_dataset(tmp_path / "many.tar", Budget(7))


@pytest.mark.parametrize("form", [".csv.gz", ".tar"])
def test_temporary_files_are_removed(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / f"x{form}").write_bytes(gzip.compress(b"nothing of use"))
    refused(tmp_path / f"x{form}", f"x{form}")
    assert not list((tmp_path / "tmp").iterdir())


def test_names_stay_those_of_the_source(tmp_path: Path) -> None:
    """Not those of temporary files."""
    (tmp_path / "fer.csv.gz").write_bytes(gzip.compress(b"emotion,pixels\n9,0 0\n"))
    assert "fer-" not in refused(tmp_path / "fer.csv.gz", str(tmp_path / "fer.csv.gz"))
