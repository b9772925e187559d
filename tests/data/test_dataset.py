"""Dataset, the held-out validation split, and the cache of parsed data sets."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.errors import DataError

from .build import (
    CODES,
    CODES_NOTE,
    check_names,
    csv_text,
    faces,
    fer_columns,
    names_of,
    replace_line,
    training_csv,
    write_folders,
)


def opened(path: Path, images: np.ndarray, codes: np.ndarray, usages="Training") -> Dataset:
    """The data set of some arrays, written to `path`/faces.npz."""
    path.mkdir(exist_ok=True)
    np.savez(path / "faces.npz", pixels=images, emotion=codes, usage=np.broadcast_to(usages, len(images)))
    return open_dataset(path / "faces.npz")


def images_of(dataset: Dataset, split: str) -> set[bytes]:
    return {image.tobytes() for image in dataset.images[dataset.indices(split)]}


# --- The held-out validation split


def test_a_tenth_of_every_class_is_held_out(tmp_path):
    images, _ = faces(280)
    codes = np.repeat(np.arange(7), np.arange(10, 80, 10))  # 10 angry, 20 disgust, ... 70 neutral
    dataset = opened(tmp_path, images, codes)
    assert dataset.counts()["validation"] == {name: i + 1 for i, name in enumerate(CODES)}
    assert dataset.counts()["train"] == {name: 9 * (i + 1) for i, name in enumerate(CODES)}
    assert any("28" in warning and "held out" in warning for warning in dataset.warnings)


def test_copies_of_an_image_stay_on_one_side(tmp_path):
    images, codes = faces(140)
    dataset = opened(tmp_path, np.concatenate([images] * 3), np.concatenate([codes] * 3))
    assert len(dataset.indices("validation")) == 42
    assert not images_of(dataset, "validation") & images_of(dataset, "train")
    assert not dataset.leaked(dataset.indices("validation")).any()


def test_held_out_images_never_come_from_test(tmp_path):
    images, codes = faces(140)
    dataset = opened(tmp_path, images, codes, ["Training", "PrivateTest"] * 70)
    assert np.array_equal(dataset.images[dataset.indices("test")], images[1::2])
    assert images_of(dataset, "validation") < {image.tobytes() for image in images[::2]}


def test_nothing_is_held_out_where_there_is_a_validation_split(tmp_path):
    dataset = opened(tmp_path, *faces(70), ["Training"] * 69 + ["PublicTest"])
    assert dataset.indices("validation").tolist() == [69]
    assert dataset.warnings == (CODES_NOTE,)


def test_the_only_image_of_a_class_stays_in_train(tmp_path):
    images, codes = faces(71)
    codes[:70] %= 6
    codes[70] = 6
    counts = opened(tmp_path, images, codes).counts()
    assert counts["train"]["neutral"] == 1 and counts["validation"]["neutral"] == 0


@pytest.mark.parametrize("conflicts", [0, 70])
def test_held_out_split_and_fingerprint_do_not_depend_on_the_order(conflicts, tmp_path):
    """Also where copies of one image carry different labels, as 57 groups of copies in FER2013 do."""
    images, codes = faces(140)
    images = np.concatenate([images, images[:conflicts]])
    codes = np.concatenate([codes, (codes[:conflicts] + 3) % 7])
    datasets = []
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(images))
        datasets.append(opened(tmp_path / str(seed), images[order], codes[order]))
    assert len({frozenset(images_of(dataset, "validation")) for dataset in datasets}) == 1
    assert len({dataset.fingerprint for dataset in datasets}) == 1


def test_fingerprint_tells_apart_other_pixels_labels_and_splits(tmp_path):
    images, codes = faces(35)
    usages = ["Training"] * 28 + ["PublicTest"] * 7
    pixels, labels, splits = images.copy(), codes.copy(), list(usages)
    pixels[3, 20, 20] += 1
    labels[3] = 0
    splits[3] = "PrivateTest"
    variants = [
        (images, codes, usages),
        (pixels, codes, usages),
        (images, labels, usages),
        (images, codes, splits),
    ]
    assert len({opened(tmp_path, *variant).fingerprint for variant in variants}) == len(variants)


# --- Queries


def test_unlabelled_test_split_can_be_looked_at_but_not_scored(tmp_path):
    images, codes = faces(40)
    columns = fer_columns(images, codes, [])
    (tmp_path / "train.csv").write_text(csv_text({"emotion": codes[:28], "pixels": columns["pixels"][:28]}))
    (tmp_path / "test.csv").write_text(csv_text({"pixels": columns["pixels"][28:]}))
    dataset = open_dataset(tmp_path)
    assert dataset.counts()["test"] == {"unlabelled": 12}
    assert np.array_equal(dataset.images[dataset.indices("test")], images[28:])
    for question in (dataset.labelled_indices, lambda split: dataset.sample(split, 5)):
        with pytest.raises(DataError, match=r"test split .* has no labels"):
            question("test")


@pytest.mark.parametrize(
    ("split", "words"),
    [("test", r"no test split.*train and validation"), ("training", r"'training'.*train,")],
)
def test_absent_and_unknown_splits_are_refused_with_the_ones_there_are(split, words, tmp_path):
    dataset = opened(tmp_path, *faces(28))
    with pytest.raises(DataError, match=words):
        dataset.indices(split)


def test_leaked_are_the_images_that_also_stand_in_train(tmp_path):
    images, codes = faces(28)
    images[21] = images[2]
    dataset = opened(tmp_path, images, codes, ["Training"] * 14 + ["PublicTest"] * 7 + ["PrivateTest"] * 7)
    assert dataset.leaked(dataset.indices("test")).tolist() == [True] + [False] * 6
    assert not dataset.leaked(dataset.indices("validation")).any()


def test_sample_has_the_shares_of_the_classes_and_repeats(tmp_path):
    images, _ = faces(280)
    codes = np.repeat(np.arange(7), np.arange(10, 80, 10))
    dataset = opened(tmp_path, images, codes, "PrivateTest")
    drawn = dataset.sample("test", 56, seed=1)
    counts = np.bincount(dataset.labels[drawn], minlength=7)
    assert len(set(drawn.tolist())) == counts.sum() == 56
    assert np.abs(counts - np.arange(2, 16, 2)).max() <= 1
    assert np.array_equal(drawn, dataset.sample("test", 56, seed=1))
    assert not np.array_equal(drawn, dataset.sample("test", 56, seed=2))
    assert np.array_equal(dataset.sample("test", 1000), dataset.labelled_indices("test"))


# --- The cache


def assert_equal(first: Dataset, second: Dataset) -> None:
    for item in dataclasses.fields(Dataset):
        assert np.array_equal(getattr(first, item.name), getattr(second, item.name)), item.name


def test_second_opening_of_a_large_table_is_memory_mapped_and_equal(tmp_path):
    """The table has many blocks, with two kinds of bad lines in the first and the last ones."""
    path = training_csv(tmp_path / "faces.csv", 2300)
    ragged, wrong = "3,1 2 3", "3," + "1 " * 2304 + ",Later"
    bad = {100: ragged, 150: wrong, 2250: ragged, 2290: wrong}
    for number, line in bad.items():
        replace_line(path, number, line)
    first, second = open_dataset(path), open_dataset(path)
    check_names(first, 2296)
    assert first.rows.tolist() == [row for row in range(2300) if row + 2 not in bad]
    for number in bad:
        assert f"line {number}" in first.warnings[0]
    assert isinstance(second.images, np.memmap) and not second.images.flags.writeable
    assert_equal(first, second)


@pytest.fixture
def small_sources_are_kept(monkeypatch):
    monkeypatch.setattr("fer_core.data.cache._MIN_IMAGES", 1)


def touch(path: Path) -> None:
    """Make the time of the last change differ, however coarse the file system's clock is."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))


def test_a_changed_file_is_read_again(small_sources_are_kept, tmp_path):
    path = training_csv(tmp_path / "faces.csv")
    open_dataset(path)
    line = path.read_text().split("\n")[1]
    replace_line(path, 2, "6" + line[1:])  # as many bytes as before
    touch(path)
    assert open_dataset(path).label_names[open_dataset(path).labels[0]] == "neutral"


@pytest.mark.parametrize("change", ["written", "added", "removed", "moved"])
def test_a_changed_folder_is_read_again(change, small_sources_are_kept, tmp_path):
    images, codes = faces(14)
    write_folders(tmp_path, images, names_of(codes))
    before = open_dataset(tmp_path).fingerprint
    assert open_dataset(tmp_path).fingerprint == before
    happy = tmp_path / "happy" / "0003.png"
    if change == "written":
        happy.write_bytes((tmp_path / "happy" / "0010.png").read_bytes())
        touch(happy)
    elif change == "added":
        write_folders(tmp_path, faces(4, seed=1)[0][3:], ["happy"], ".bmp")
    elif change == "removed":
        happy.unlink()
    else:
        happy.rename(tmp_path / "sad" / happy.name)
    assert open_dataset(tmp_path).fingerprint != before


@pytest.mark.parametrize("part", ["meta.json", "images.npy", "table.npz"])
@pytest.mark.parametrize("left", [0, 0.5])
def test_a_damaged_cache_does_no_harm(part, left, cache, small_sources_are_kept, tmp_path):
    path = training_csv(tmp_path / "faces.csv")
    opened = open_dataset(path)
    first = dataclasses.replace(opened, images=np.array(opened.images))
    del opened  # nothing may read from a file that is cut while it is mapped
    (stored,) = cache.rglob(part)
    stored.write_bytes(stored.read_bytes()[: int(left * stored.stat().st_size)])
    assert_equal(first, open_dataset(path))


def test_a_cache_that_cannot_be_written_does_no_harm(small_sources_are_kept, tmp_path, monkeypatch):
    path = training_csv(tmp_path / "faces.csv")
    monkeypatch.setenv("FER_EXPLORER_CACHE", str(path / "below a file"))
    check_names(open_dataset(path), 40)
    check_names(open_dataset(path), 40)
