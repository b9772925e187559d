"""Class folders at any depth, with any kinds of pictures and other files."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from fer_core.data import SPLITS, open_dataset

from .build import check_names, class_in, faces, label_names, names_of, png, write_folders, zip_of


@pytest.mark.parametrize(
    "layout",
    [
        "{split}/{name}",
        "{name}/{split}",
        "fer/images/{split}/{name}",
        "{split}/{name}/batch 1",
        "a/{split}/b/{name}/c/d",
    ],
)
@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_class_folders_at_any_depth(layout, validation, tmp_path):
    images, codes = faces(42)
    words = ("train", validation, "TEST")
    folders = [layout.format(split=words[i % 3], name=name) for i, name in enumerate(names_of(codes))]
    write_folders(tmp_path, images, folders)
    dataset = open_dataset(tmp_path)
    check_names(dataset, 42)
    for number, split in enumerate(SPLITS):
        found = dataset.images[dataset.indices(split)]
        assert sorted(map(bytes, found)) == sorted(map(bytes, images[number::3]))


@pytest.mark.parametrize(
    ("opened", "splits"), [("test", ["test"]), ("val", ["validation"]), ("mine", ["train", "validation"])]
)
def test_folder_without_split_folders_is_the_split_of_its_own_name_or_train(opened, splits, tmp_path):
    images, codes = faces(42)
    write_folders(tmp_path / opened, images, names_of(codes))
    assert open_dataset(tmp_path / opened).split_names() == splits


def _halves(dark: int, bright: int, width: int = 48, height: int = 48) -> Image.Image:
    row = np.where(np.arange(width) < width / 2, dark, bright).astype(np.uint8)
    return Image.fromarray(np.tile(row, (height, 1)))


PICTURES = {
    "L.png": _halves(60, 180),
    "L.jpg": _halves(60, 180),
    "RGB.png": _halves(60, 180).convert("RGB"),
    "RGB.JPEG": _halves(60, 180).convert("RGB"),
    "RGB.webp": _halves(60, 180).convert("RGB"),
    "RGB.bmp": _halves(60, 180).convert("RGB"),
    "RGBA.png": _halves(60, 180).convert("RGBA"),
    "LA.png": _halves(60, 180).convert("LA"),
    "P.png": _halves(60, 180).convert("P", palette=Image.Palette.ADAPTIVE),
    "P.gif": _halves(60, 180).convert("P"),
    "CMYK.jpg": _halves(60, 180).convert("RGB").convert("CMYK"),
    "CMYK.tif": _halves(60, 180).convert("RGB").convert("CMYK"),
    "I;16.png": Image.fromarray(np.asarray(_halves(60, 180)).astype(np.uint16) * 257),
    "1.png": _halves(0, 255).convert("1"),
    "47x53.png": _halves(60, 180, 47, 53),
    "7x5.png": _halves(60, 180, 7, 5),
    "641x31.jpg": _halves(60, 180, 641, 31),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_any_mode_format_and_size(name, tmp_path):
    folder = tmp_path / "train" / "happy"
    folder.mkdir(parents=True)
    PICTURES[name].save(folder / name)
    dataset = open_dataset(tmp_path)
    assert dataset.images.shape == (1, 48, 48) and dataset.images.dtype == np.uint8
    assert label_names(dataset) == ["happy"]
    dark, bright = (0, 255) if name.startswith("1") else (60, 180)
    left, right = dataset.images[0, :, :14].astype(int), dataset.images[0, :, 34:].astype(int)
    assert np.abs(left - dark).max() <= 4 and np.abs(right - bright).max() <= 4


def test_transparent_pixels_are_white(tmp_path):
    (tmp_path / "happy").mkdir()
    Image.new("RGBA", (48, 48), (0, 0, 0, 0)).save(tmp_path / "happy" / "clear.png")
    assert (open_dataset(tmp_path).images == 255).all()


@pytest.mark.parametrize("zipped", [False, True])
def test_stray_files_are_passed_over_with_a_warning(zipped, tmp_path):
    images, codes = faces(14)
    top = write_folders(tmp_path / "set", images, [f"train/{name}" for name in names_of(codes)])
    strays = {
        ".DS_Store": b"\0\0\0\1Bud1",
        "train/.DS_Store": b"\0\0\0\1Bud1",
        "train/happy/Thumbs.db": b"\xd0\xcf\x11\xe0",
        "train/.ipynb_checkpoints/0000.png": png(images[0]),
        "__MACOSX/train/happy/._0000.png": b"\0\5\x16\7",
        "README.md": b"# Faces, and where they are from\n",
    }
    for name, content in strays.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    dataset = open_dataset(zip_of(top, tmp_path / "set.zip") if zipped else top)
    check_names(dataset, 14)
    assert any(".DS_Store" in warning and f"{len(strays)} files" in warning for warning in dataset.warnings)


def test_text_with_lone_carriage_returns_is_a_stray_file_too(tmp_path):
    """The log of a progress bar, or a text from an old Mac, is not a table that could not be parsed."""
    images, codes = faces(14)
    write_folders(tmp_path, images, [f"train/{name}" for name in names_of(codes)])
    (tmp_path / "log.txt").write_bytes(b"copied 10 %\rcopied 20 %, going on\rcopied all\n")
    dataset = open_dataset(tmp_path)
    check_names(dataset, 14)
    assert any("log.txt" in warning for warning in dataset.warnings)


def test_file_names_need_not_be_utf8(tmp_path):
    """Old archives leave such names behind on Linux."""
    images, codes = faces(7)
    write_folders(tmp_path, images, names_of(codes))
    try:
        os.rename(tmp_path / "happy" / "0003.png", os.fsencode(tmp_path / "happy") + b"/caf\xe9.png")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    check_names(open_dataset(tmp_path), 7)


def test_pictures_of_an_unlabelled_test_folder_are_unlabelled(tmp_path):
    images, codes = faces(20)
    folders = [f"train/{name}" for name in names_of(codes[:14])] + ["test"] * 6
    dataset = open_dataset(write_folders(tmp_path, images, folders))
    assert dataset.counts()["test"] == {"unlabelled": 6}
    assert sorted(map(class_in, dataset.images[dataset.indices("test")])) == sorted(names_of(codes[14:]))


def test_a_list_of_files_beside_class_folders_is_no_table_of_pixels(tmp_path):
    """Many data sets of class folders contain such a labels.csv."""
    images, codes = faces(14)
    write_folders(tmp_path, images, [f"train/{name}" for name in names_of(codes)])
    (tmp_path / "labels.csv").write_text(
        "image,label\ntrain/angry/0000.png,angry\ntrain/disgust/0001.png,disgust\n"
    )
    check_names(open_dataset(tmp_path), 14)
