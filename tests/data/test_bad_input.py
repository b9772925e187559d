"""Unreadable sources are refused in one sentence with their location.

A few bad images are skipped and reported.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fer_core.data import open_dataset
from fer_core.errors import DataError, reason

from .build import (
    CODES,
    check_names,
    csv_text,
    faces,
    label_names,
    names_of,
    pixel_text,
    png,
    refused,
    replace_line,
    training_csv,
    write_folders,
    write_parquet,
    write_zip,
)

BLACK = " ".join(["0"] * 2304)

# Lines of a table emotion,pixels,Usage, and a word of the message for the user.
BAD_LINES = {
    "truncated row": ("3,0 0 0", "columns"),
    "too many cells": (f"3,{BLACK},Training,Training", "columns"),
    "too few pixels": (f"3,{BLACK[2:]},Training", "2303"),
    "too many pixels": (f"3,{BLACK} 0,Training", "2305"),
    "no pixels": ("3,,Training", "got 0"),
    "256": (f"3,{BLACK[2:]} 256,Training", "0 to 255"),
    "299": (f"3,299 {BLACK[2:]},Training", "0 to 255"),
    "300": (f"3,300 {BLACK[2:]},Training", "0 to 255"),
    "1000": (f"3,1000 {BLACK[2:]},Training", "0 to 255"),
    "65541": (f"3,{BLACK[2:]} 65541,Training", "0 to 255"),
    "negative pixel": (f"3,-1 {BLACK[2:]},Training", "0 to 255"),
    "fraction": (f"3,0.5 {BLACK[2:]},Training", "0 to 255"),
    "letters in pixels": (f"3,{BLACK[2:]} x,Training", "0 to 255"),
    "letter behind a number": (f"3,{BLACK}x,Training", "0 to 255"),
    "code 7": (f"7,{BLACK},Training", "code 7"),
    "code -1": (f"-1,{BLACK},Training", "code -1"),
    "code --1": (f"--1,{BLACK},Training", "--1"),
    "unknown name": (f"bored,{BLACK},Training", "bored"),
    "no label": (f",{BLACK},Training", "''"),
    "unknown split": (f"3,{BLACK},Later", "Later"),
}


@pytest.mark.parametrize(("line", "word"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_bad_line_among_good_ones_is_skipped_and_reported(line, word, tmp_path):
    path = training_csv(tmp_path / "faces.csv")
    replace_line(path, 17, line)
    dataset = open_dataset(path)
    check_names(dataset, 39)
    assert np.array_equal(dataset.images, np.delete(faces(40)[0], 15, axis=0))
    assert dataset.rows.tolist() == [row for row in range(40) if row != 15]
    assert "line 17" in dataset.warnings[0] and word in dataset.warnings[0]


@pytest.mark.parametrize(("line", "word"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_table_of_nothing_but_bad_lines_is_refused_with_the_first(line, word, tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text("emotion,pixels,Usage\n" + f"{line}\n" * 5)
    refused(path, str(path), "line 2", word)


def test_line_numbers_stay_right_behind_lines_of_any_badness(tmp_path):
    """Ragged lines are dropped by Arrow and wrong ones by us; the numbers must count both."""
    path = training_csv(tmp_path / "faces.csv", 80)
    bad = {
        2: "3,0 0",
        9: f"3,{BLACK},Later",
        10: "3",
        40: f"3,{BLACK[2:]},Training",
        81: f"3,{BLACK},Training,4",
    }
    for number, line in bad.items():
        replace_line(path, number, line)
    dataset = open_dataset(path)
    check_names(dataset, 75)
    assert dataset.rows.tolist() == [row for row in range(80) if row + 2 not in bad]
    for number in bad:
        assert f"line {number} " in dataset.warnings[0] or f"line {number}:" in dataset.warnings[0]
    assert dataset.warnings[0].startswith("5 ")


def test_blank_lines_count_as_lines_but_not_as_rows(tmp_path):
    """An editor shows the reported line; the FER+ votes are found by the row."""
    path = training_csv(tmp_path / "faces.csv")
    lines = path.read_text().split("\n")
    lines[30] = f"9,{BLACK},Training"  # row 29
    path.write_text("\n".join([*lines[:11], "", "", *lines[11:]]))
    dataset = open_dataset(path)
    check_names(dataset, 39)
    assert dataset.rows.tolist() == [row for row in range(40) if row != 29]
    assert "line 33" in dataset.warnings[0]


def test_lines_without_pixels_among_the_shortest_there_are(tmp_path):
    """The size of this file, at two bytes per black pixel, allows for fewer images than lines."""
    path = tmp_path / "faces.csv"
    path.write_text("emotion,pixels,Usage\n" + f"3,{BLACK},PrivateTest\n" * 60 + "3,,PrivateTest\n" * 10)
    dataset = open_dataset(path)
    assert dataset.rows.tolist() == list(range(60)) and not dataset.images.any()
    assert "10 unusable images" in dataset.warnings[0] and "line 62:" in dataset.warnings[0]


def test_more_than_a_fifth_of_bad_lines_is_refused(tmp_path):
    path = training_csv(tmp_path / "faces.csv", 50)
    for number in range(10, 21):
        replace_line(path, number, f"9,{BLACK},Training")
    refused(path, "faces.csv", "line 10:", "code 9", "10 more")


NO_TABLES = {
    "no pixels column": ("emotion,Usage\n3,Training\n", "pixels"),
    "no labels": (f"pixels,Usage\n{BLACK},Training\n", "no labels"),
    "only pixels": (f"pixels\n{BLACK}\n", "no labels"),
    "only a header": ("emotion,pixels,Usage\n", "faces.csv"),
    "only a header without line end": ("emotion,pixels,Usage", "faces.csv"),
    "no header": (f"0,{BLACK},Training\n1,{BLACK},Training\n", "header"),
    "open quote": (f'emotion,pixels\n3,"{BLACK}\n4,"{BLACK}"\n', "faces.csv"),
    "CR as line ends": (f"emotion,pixels\r3,{BLACK[2:]}\r", "faces.csv"),
    "FER+ votes": ("Usage,Image name,neutral,contempt,unknown,NF\nTraining,fer0000000.png,4,0,0,0\n", "FER+"),
    "prose": ("once upon a time", "faces.csv"),
}


@pytest.mark.parametrize(("text", "word"), NO_TABLES.values(), ids=NO_TABLES.keys())
def test_invalid_tables_are_refused(text, word, tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text(text, newline="")
    refused(path, str(path), word)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n \n", bytes(1000), bytes(range(1, 256)) * 40, b"\x89PNG\r\n\x1a\n", "a,b\n".encode("utf-16")],
)
@pytest.mark.parametrize("name", ["junk", "junk.csv", "junk.zip", "junk.parquet", "junk.npz"])
def test_files_of_no_known_form(content, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, name)


@pytest.mark.parametrize(
    "source",
    [
        "nowhere",
        "nowhere/fer2013.csv",
        "~nobody-of-this-name/fer2013.csv",
        "a" * 300,
        "nul\0byte",
        "synthetic:x",
        "kaggle:",
        "kaggle:fer2013",
    ],
)
def test_sources_that_are_not_there(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(source, source)


def test_failed_download_is_reported_with_its_reason(monkeypatch):
    def fail(handle):
        raise RuntimeError("403 Forbidden\nlong explanation")

    monkeypatch.setattr("kagglehub.dataset_download", fail)
    refused("kaggle:nobody/nothing", "kaggle:nobody/nothing", "403 Forbidden")


# --- Class folders


@pytest.mark.parametrize(
    "files", [{}, {".DS_Store": b"\0"}, {"README.md": b"No faces here.\n"}, {"a/b/c.txt": b"none\n"}]
)
def test_folder_without_images_is_refused(files, tmp_path):
    folder = tmp_path / "hollow"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    refused(folder, "hollow")


@pytest.mark.parametrize("zipped", [False, True])
def test_unknown_class_folder_is_refused_by_name(zipped, tmp_path):
    images, codes = faces(14)
    files = {
        f"train/{name}/{i}.png": png(image)
        for i, (name, image) in enumerate(zip(names_of(codes), images, strict=True))
    }
    files |= {f"train/bored/{i}.png": png(images[0]) for i in range(14, 18)}
    source = write_zip(tmp_path / "set.zip", files)
    if zipped:
        refused(source, "set.zip", "'bored'", "train/bored/14.png")
        return
    with zipfile.ZipFile(source) as archive:
        archive.extractall(tmp_path / "set")
    refused(tmp_path / "set", "'bored'", "train/bored/14.png")


def test_pictures_without_a_class_are_refused_by_name(tmp_path):
    images, codes = faces(14)
    write_folders(tmp_path, images, [f"train/{name}" for name in names_of(codes[:13])] + ["train"])
    refused(tmp_path, "train/0013.png", "without a label")


def test_folder_with_an_archive_only_is_refused_with_its_name(tmp_path):
    write_zip(tmp_path / "fer2013.zip", {"fer2013.csv": b"emotion,pixels\n"})
    refused(tmp_path, "fer2013.zip")


def _png_that_claims(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


UNREADABLE = {
    "empty": b"",
    "text": b"<html>404</html>",
    "zeros": bytes(5000),
    "truncated": png(faces(1)[0][0])[:700],
    "header only": b"\x89PNG\r\n\x1a\n",
    "3.6 gigapixels": _png_that_claims(60_000, 60_000),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_picture_among_good_ones_is_skipped_and_named(content, tmp_path):
    images, codes = faces(21)
    write_folders(tmp_path, images, names_of(codes))
    (tmp_path / "happy" / "0003.png").write_bytes(content)
    dataset = open_dataset(tmp_path)
    check_names(dataset, 20)
    assert "1 unusable image" in dataset.warnings[0] and "happy/0003.png" in dataset.warnings[0]
    # Row numbers still count it: they are those of the sorted files.
    files = sorted(f"{name}/{i:04d}" for i, name in enumerate(names_of(codes)))
    assert dataset.rows.tolist() == [row for row, file in enumerate(files) if file != "happy/0003"]


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_nothing_but_unreadable_pictures_is_refused(content, tmp_path):
    for name in ("happy", "sad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(content)
    refused(tmp_path, "happy/a.png")


# --- Zip files


def _good_table() -> bytes:
    images, codes = faces(40)
    return csv_text({"emotion": codes, "pixels": pixel_text(images)}).encode()


@pytest.mark.parametrize(
    "member",
    ["../evil", "train/../../evil.png", "/etc/evil", "C:\\evil.png", "..\\evil.png", "\\\\host\\evil", "."],
)
def test_zip_with_a_member_outside_is_refused_by_name(member, tmp_path):
    path = write_zip(tmp_path / "set.zip", {"fer2013.csv": _good_table(), member: b"evil"})
    refused(path, "set.zip", repr(member))
    assert [p.name for p in tmp_path.iterdir()] == ["set.zip"]


@pytest.mark.parametrize("member", ["fer2013.csv", "happy/1.png", "pixels.npy"])
def test_zip_bomb_is_refused_by_member(member, tmp_path):
    path = write_zip(tmp_path / "bomb.zip", {member: bytes(20_000_000)})
    assert path.stat().st_size < 100_000
    refused(path, "bomb.zip", member)


def test_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "secret.zip", {"fer2013.csv": _good_table()})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flags in the local header
    content[content.rindex(b"PK\1\2") + 8] |= 1  # and in the directory
    path.write_bytes(content)
    refused(path, "secret.zip", "encrypted", "open the folder")


@pytest.mark.parametrize("share", [0.1, 0.9, 0.999])
def test_truncated_zip_is_refused(share, tmp_path):
    path = write_zip(tmp_path / "set.zip", {"fer2013.csv": _good_table()})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path, "set.zip")


def _damage(path: Path, share: float) -> None:
    """Turn over some bytes at that share of a file."""
    content = bytearray(path.read_bytes())
    start = int(share * len(content))
    for i in range(start, start + 40):
        content[i] ^= 0x55
    path.write_bytes(content)


@pytest.mark.parametrize(
    "compression",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA],
    ids=["stored", "deflated", "LZMA"],
)
@pytest.mark.parametrize("member", ["fer2013.csv", "train.parquet", "faces.npz"])
def test_zip_with_a_damaged_member_is_refused(member, compression, tmp_path):
    """Recognising or reading the table fails on the compression or the checksum, with various errors."""
    images, codes = faces(40)
    buffer = io.BytesIO()
    np.savez(buffer, pixels=images, emotion=codes)
    parquet = write_parquet(
        tmp_path / "faces.parquet", [png(image) for image in images], label=codes
    ).read_bytes()
    contents = {"fer2013.csv": _good_table(), "train.parquet": parquet, "faces.npz": buffer.getvalue()}
    path = write_zip(tmp_path / "set.zip", {member: contents[member]}, compression)
    _damage(path, 0.5)
    refused(path, "set.zip")


def test_damaged_picture_in_a_zip_is_skipped_and_named(tmp_path):
    images, codes = faces(21)
    files = {
        f"{name}/{i:02d}.png": png(image)
        for i, (name, image) in enumerate(zip(names_of(codes), images, strict=True))
    }
    path = write_zip(tmp_path / "set.zip", files)
    _damage(path, 0.5)
    dataset = open_dataset(path)
    check_names(dataset, 20)
    assert "happy/10.png" in dataset.warnings[0]


# --- Parquet


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_parquet_is_refused(share, tmp_path):
    images, codes = faces(14)
    path = write_parquet(tmp_path / "faces.parquet", [png(image) for image in images], label=codes)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path, "faces.parquet")


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"blob": b"no picture"}, "image"),
        ({"blob": None}, "image"),
        ({"label": 7}, "7"),
        ({"label": -1}, "-1"),
        ({"label": None}, "''"),
    ],
    ids=["no picture", "no bytes", "label 7", "label -1", "no label"],
)
@pytest.mark.parametrize("class_names", [None, CODES])
def test_bad_row_in_a_parquet_is_skipped_and_reported(class_names, row, word, tmp_path):
    images, codes = faces(21)
    blobs, labels = [png(image) for image in images], codes.tolist()
    blobs[11], labels[11] = row.get("blob", blobs[11]), row.get("label", labels[11])
    dataset = open_dataset(write_parquet(tmp_path / "faces.parquet", blobs, class_names, label=labels))
    check_names(dataset, 20)
    assert 11 not in dataset.rows
    assert "row 12" in dataset.warnings[0] and word in dataset.warnings[0]


def test_parquet_with_unknown_class_names_is_refused_with_the_name(tmp_path):
    images, codes = faces(14)
    path = write_parquet(tmp_path / "faces.parquet", [png(i) for i in images], ["bored"] * 7, label=codes)
    refused(path, "faces.parquet", "row 1", "'bored'")


def test_parquet_without_labels_or_without_images_is_refused(tmp_path):
    refused(
        write_parquet(tmp_path / "a.parquet", [png(image) for image in faces(7)[0]]), "a.parquet", "no labels"
    )
    pq.write_table(pa.table({"label": [1, 2]}), tmp_path / "b.parquet")
    refused(tmp_path / "b.parquet", "b.parquet", "image")


# --- npz


class Evil:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def _objects(top: Path, evil: Evil) -> None:
    np.savez(top / "set.npz", pixels=faces(7)[0], emotion=np.array([evil] * 7, dtype=object))


def _raw_pickled_pixels(top: Path, evil: Evil) -> None:
    np.savez(top / "set.npz", emotion=np.arange(7))
    with zipfile.ZipFile(top / "set.npz", "a") as archive:
        archive.writestr("pixels.npy", pickle.dumps(evil))


def _raw_pickled_labels(top: Path, evil: Evil) -> None:
    np.savez(top / "set.npz", pixels=faces(7)[0])
    with zipfile.ZipFile(top / "set.npz", "a") as archive:
        archive.writestr("emotion.npy", pickle.dumps(evil))


@pytest.mark.parametrize("write", [_objects, _raw_pickled_pixels, _raw_pickled_labels])
def test_pickles_in_an_npz_are_refused_and_never_run(write, tmp_path):
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Evil(trace))).close()
    assert trace.exists(), "the pickle must be a working one"
    trace.unlink()
    write(tmp_path, Evil(trace))
    refused(tmp_path / "set.npz", "set.npz")
    assert not trace.exists()


IMAGES, LABELS = faces(14)
BAD_ARRAYS = {
    "fewer labels": ({"pixels": IMAGES, "emotion": LABELS[:13]}, "14"),
    "one label": ({"pixels": IMAGES, "emotion": np.array(3)}, "14"),
    "fewer splits": ({"pixels": IMAGES, "emotion": LABELS, "usage": np.array(["Training"] * 13)}, "14"),
    "fewer labels in test": (
        {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS[:3]},
        "14",
    ),
    "eight one-hot columns": ({"pixels": IMAGES, "emotion": np.eye(8)[LABELS]}, "8"),
    "two split columns": ({"pixels": IMAGES, "emotion": LABELS, "usage": np.full((14, 2), "Training")}, "2"),
    "empty one-hot rows": ({"pixels": IMAGES, "emotion": np.zeros((14, 7))}, "row 1"),
    "unknown codes": ({"pixels": IMAGES, "emotion": LABELS + 7}, "row 1"),
    "unknown names": ({"pixels": IMAGES, "emotion": np.array(["bored"] * 14)}, "row 1"),
    "unknown splits": ({"pixels": IMAGES, "emotion": LABELS, "usage": np.array(["later"] * 14)}, "row 1"),
    "half codes": ({"pixels": IMAGES, "emotion": LABELS + 0.5}, "row 1"),
    "no labels": ({"pixels": IMAGES}, "no labels"),
    "no images": ({"emotion": LABELS}, "image"),
    "no image at all": ({"pixels": IMAGES[:0], "emotion": LABELS[:0]}, "no images"),
    "no image of 32x32 at all": ({"pixels": IMAGES[:0, :32, :32], "emotion": LABELS[:0]}, "no images"),
    "flat images of 47x47": ({"pixels": IMAGES[:, :47, :47].reshape(14, -1), "emotion": LABELS}, "shape"),
    "two channels": ({"pixels": np.stack([IMAGES] * 2, -1), "emotion": LABELS}, "shape"),
    "a single image": ({"pixels": np.array(7), "emotion": np.array(3)}, "shape"),
    "values above 255": ({"pixels": IMAGES.astype(int) + 100, "emotion": LABELS}, "0 to 255"),
    "values below 0": ({"pixels": IMAGES / 127.5 - 1, "emotion": LABELS}, "0 to 255"),
    "not a number": ({"pixels": np.where(IMAGES > 200, np.nan, IMAGES), "emotion": LABELS}, "0 to 255"),
    "text": ({"pixels": IMAGES.astype(str), "emotion": LABELS}, "numbers"),
    "complex numbers": ({"pixels": IMAGES.astype(complex), "emotion": LABELS}, "numbers"),
}


@pytest.mark.parametrize(("arrays", "word"), BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_arrays_that_do_not_fit_are_refused(arrays, word, tmp_path):
    np.savez(tmp_path / "set.npz", **arrays)
    refused(tmp_path / "set.npz", "set.npz", word)


def test_bad_label_in_an_npz_is_skipped_and_reported(tmp_path):
    images, codes = faces(21)
    codes[11] = 9
    np.savez(tmp_path / "set.npz", pixels=images, emotion=codes)
    dataset = open_dataset(tmp_path / "set.npz")
    assert label_names(dataset) == names_of(np.delete(codes, 11))
    check_names(dataset, 20)
    assert dataset.rows.tolist() == [row for row in range(21) if row != 11]
    assert "row 12" in dataset.warnings[0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_npz_is_refused(share, tmp_path):
    np.savez(tmp_path / "set.npz", pixels=IMAGES, emotion=LABELS)
    content = (tmp_path / "set.npz").read_bytes()
    (tmp_path / "set.npz").write_bytes(content[: int(share * len(content))])
    refused(tmp_path / "set.npz", "set.npz")


def test_array_that_claims_to_be_huge_is_refused(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 48, 48)}
    )
    write_zip(tmp_path / "set.npz", {"pixels.npy": buffer.getvalue(), "emotion.npy": buffer.getvalue()})
    refused(tmp_path / "set.npz", "set.npz")


def test_zip_of_many_small_bombs_is_refused(tmp_path):
    """No member alone is large, but together they unpack to far more than their packed size."""
    path = write_zip(
        tmp_path / "bombs.zip",
        {f"train/happy/{i}.jpg": bytes(1 << 20) for i in range(100)},
        zipfile.ZIP_DEFLATED,
    )
    refused(path, "bombs.zip", "far more than pictures or tables do")


def test_the_reason_of_a_library_is_a_short_part_of_a_sentence() -> None:
    """The message of a damaged zip holds whatever stands in it, such as a picture."""
    assert reason(ValueError("wrong magic.\n  at 0x3")) == "wrong magic"
    assert reason(EOFError()) == "EOFError"
    assert len(reason(ValueError("x" * 5000))) == 200


def test_a_member_whose_second_name_is_no_utf_8_is_damaged(tmp_path: Path) -> None:
    """A zip names each member twice; the name before its content is compared when it is read."""
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train/happy/\u00e9.png", b"no picture")
    content = bytearray(path.read_bytes())
    place = content.index("\u00e9.png".encode())
    content[place : place + 2] = b"\x80\x80"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged or uses an unknown compression"):
        open_dataset(path)
