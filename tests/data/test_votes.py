"""FER+ votes: joined by row, counted as by Barsoum et al., and refused if they belong to other images."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.data.vote_counts import Votes
from fer_core.data.votes import find_votes, read_votes
from fer_core.emotions import NAMES
from fer_core.errors import DataError

from ..tiny import VOTE_COLUMNS, votes_row, write_votes
from .build import faces, names_of, write_folders

USAGES = ["Training"] * 14 + ["PublicTest"] * 7 + ["PrivateTest"] * 7


def votes(*rows: Mapping[str, int]) -> Votes:
    return Votes(np.array([votes_row(row) for row in rows], np.uint8))


def named(row: np.ndarray) -> dict[str, float]:
    """The shares of one image that are not zero."""
    return {name: pytest.approx(float(share)) for name, share in zip(NAMES, row, strict=True) if share}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images, codes = faces(28)
    np.savez(tmp_path / "faces.npz", pixels=images, emotion=codes, usage=np.array(USAGES))
    return open_dataset(tmp_path / "faces.npz")


def rows_of_their_own() -> list[list[int]]:
    """28 rows, no two alike."""
    return [votes_row({"neutral": i % 10, "fear": i // 10, "contempt": 1}) for i in range(28)]


# --- Majority and distribution


def test_shares_are_of_the_votes_for_the_seven_classes():
    got = votes(
        {"happiness": 6, "surprise": 2, "contempt": 2}, {"anger": 3, "unknown": 4, "NF": 3}
    ).distribution()
    assert got.dtype == np.float32
    assert named(got[0]) == {"happy": 0.75, "surprise": 0.25}
    assert named(got[1]) == {"angry": 1.0}


def test_each_column_means_the_class_of_its_name():
    columns = {
        "neutral": "neutral",
        "happiness": "happy",
        "surprise": "surprise",
        "sadness": "sad",
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
    }
    got = votes(*({column: 10} for column in columns))
    assert (
        [NAMES[i] for i in got.distribution().argmax(1)]
        == [NAMES[i] for i in got.majority()]
        == list(columns.values())
    )


def test_single_votes_are_dropped_beside_others():
    got = votes(
        {"sadness": 8, "fear": 1, "neutral": 1}, {"sadness": 1, "fear": 1, "unknown": 8}
    ).distribution()
    assert named(got[0]) == {"sad": 1.0}
    assert named(got[1]) == {"fear": 0.5, "sad": 0.5}, "where nobody got more, single votes are all there is"


def test_images_without_votes_for_a_class_have_no_shares():
    assert not votes({"contempt": 4, "unknown": 3, "NF": 3}, {}).distribution().any()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"happiness": 6, "neutral": 4}, "happy"),
        ({"happiness": 5, "neutral": 5}, None),  # a tie
        ({"happiness": 4, "neutral": 3, "sadness": 3}, None),  # the most votes, but not more than half
        (
            {"happiness": 5, "neutral": 2, "sadness": 1, "fear": 1, "anger": 1},
            "happy",
        ),  # more than half once single votes are dropped
        ({"happiness": 4, "contempt": 4, "fear": 2}, None),
        ({"contempt": 6, "happiness": 4}, None),
        ({"unknown": 6, "happiness": 4}, None),
        ({"NF": 6, "happiness": 4}, None),
        ({"happiness": 6, "NF": 4}, "happy"),
        ({"happiness": 1}, None),
        ({"happiness": 2, "NF": 1}, "happy"),
        (dict.fromkeys(VOTE_COLUMNS, 1), None),
        ({}, None),
    ],
)
def test_a_majority_is_more_than_half_of_what_is_left_without_single_votes(row, expected):
    (got,) = votes(row).majority()
    assert (NAMES[got] if got >= 0 else None) == expected


def test_not_a_face_is_what_half_of_the_voters_say():
    got = votes({"NF": 5, "neutral": 5}, {"NF": 4, "neutral": 6}, {"NF": 10}, {"neutral": 10}, {})
    assert got.not_a_face().tolist() == [True, False, True, False, False]


# --- Joined by row


def test_votes_follow_the_rows_of_the_images(dataset, tmp_path):
    rows = rows_of_their_own()
    path = write_votes(tmp_path / "votes.csv", USAGES, rows)
    assert read_votes(path, dataset).counts.tolist() == rows
    order = np.random.default_rng(0).permutation(28)
    parts = {
        name: getattr(dataset, name)[order] for name in ("images", "labels", "splits", "rows", "digests")
    }
    shuffled = dataclasses.replace(dataset, **parts)
    assert read_votes(path, shuffled).counts.tolist() == [rows[i] for i in order]


def test_columns_may_stand_in_any_order(dataset, tmp_path):
    rows = rows_of_their_own()
    path = write_votes(tmp_path / "votes.csv", USAGES, rows)
    with open(path, encoding="utf-8") as file:
        table = list(csv.reader(file))
    path.write_text("".join(",".join(reversed(line)) + "\n" for line in table))
    assert read_votes(path, dataset).counts.tolist() == rows


def test_votes_are_found_beside_a_file_and_in_a_folder(dataset, tmp_path):
    source = tmp_path / "faces.npz"
    assert find_votes(str(source)) is None
    path = write_votes(tmp_path / "fer2013new.csv", USAGES, rows_of_their_own())
    assert find_votes(str(source)) == find_votes(str(tmp_path)) == path
    assert find_votes(str(tmp_path / "nowhere.csv")) is None
    assert find_votes("synthetic") is None


def test_the_votes_in_a_folder_are_not_taken_for_images(tmp_path):
    images, codes = faces(14)
    write_folders(tmp_path, images, names_of(codes))
    write_votes(tmp_path / "fer2013new.csv", ["Training"] * 14, [votes_row({"fear": 10})] * 14)
    assert len(open_dataset(tmp_path)) == 14


# --- What is refused


def refused(path: Path, dataset: Dataset, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_votes(path, dataset)
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("count", [27, 29])
def test_votes_for_another_number_of_images_are_refused(count, dataset, tmp_path):
    path = write_votes(
        tmp_path / "votes.csv", ["Training", *USAGES][-count:], [votes_row({"fear": 10})] * count
    )
    refused(path, dataset, f"{count} images", "28", "joined by row")


def test_votes_whose_splits_stand_in_another_order_are_refused(dataset, tmp_path):
    """The splits of FER2013's CSV are in another order than those of class folders."""
    path = write_votes(tmp_path / "votes.csv", USAGES[::-1], rows_of_their_own())
    refused(path, dataset, "has its splits in another order")
    path = write_votes(tmp_path / "votes.csv", ["Training", "Holidays", *USAGES[2:]], rows_of_their_own())
    refused(path, dataset, "has its splits in another order")


def test_rows_that_a_data_set_skipped_cannot_be_joined(dataset, tmp_path):
    """A bad row that was left out would shift all votes after it."""
    path = write_votes(tmp_path / "votes.csv", USAGES[:27], rows_of_their_own()[:27])
    keep = np.arange(28) != 5
    parts = {name: getattr(dataset, name)[keep] for name in ("images", "labels", "splits", "rows", "digests")}
    refused(path, dataclasses.replace(dataset, **parts), "joined by row")
    twice = np.where(dataset.rows == 3, 4, dataset.rows)
    refused(
        write_votes(tmp_path / "votes.csv", USAGES, rows_of_their_own()),
        dataclasses.replace(dataset, rows=twice),
        "joined by row",
    )


@pytest.mark.parametrize("column", ["Usage", "neutral", "NF"])
def test_a_missing_column_is_named(column, dataset, tmp_path):
    path = write_votes(tmp_path / "votes.csv", USAGES, rows_of_their_own())
    path.write_text(path.read_text().replace(column, "else", 1))
    refused(path, dataset, f"no column {column}", "Usage, neutral, happiness")


@pytest.mark.parametrize("value", ["-1", "", "nan", "inf", "2.5", "256", "many"])
def test_votes_that_are_no_counts_are_refused(value, dataset, tmp_path):
    rows: list[list[object]] = [list(row) for row in rows_of_their_own()]
    rows[17][4] = value
    refused(write_votes(tmp_path / "votes.csv", USAGES, rows), dataset, "whole numbers from 0 to 255")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", bytes(range(256)) * 4, b"PK\x03\x04" + bytes(60), b'Usage,"neutral\n1,2\n']
)
def test_what_is_no_table_is_refused(content, dataset, tmp_path):
    (tmp_path / "votes.csv").write_bytes(content)
    refused(tmp_path / "votes.csv", dataset, "expected the fer2013new.csv of FER+")


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zip", "tar"])
def test_what_its_name_calls_compressed_and_is_not_is_refused(suffix, dataset, tmp_path):
    path = tmp_path / f"fer2013new.csv.{suffix}"
    path.write_bytes(bytes(range(256)) * 4)
    refused(path, dataset)


def test_absent_votes_and_folders_are_refused(dataset, tmp_path):
    refused(tmp_path / "nowhere.csv", dataset, "cannot be read: No such file")
    refused(tmp_path, dataset, "cannot be read")


# --- The real votes


def majority_of(row: dict[str, str]) -> str | None:
    """The protocol of Barsoum et al., for one line of the file."""
    counts = {column: int(row[column]) for column in VOTE_COLUMNS if int(row[column]) > 1}
    return next((column for column, count in counts.items() if 2 * count > sum(counts.values())), None)


def test_the_votes_for_fer2013(fer2013_data: Dataset) -> None:
    dataset = fer2013_data
    path = find_votes(dataset.source)
    assert path is not None
    got = read_votes(path, dataset)
    with open(path, encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    test = dataset.indices("test")
    majority = got.majority()
    names = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
    expected = [names.get(m or "", m) for m in (majority_of(lines[dataset.rows[i]]) for i in test)]
    assert [NAMES[m] if m >= 0 else None for m in majority[test]] == [
        e if e in NAMES else None for e in expected
    ]
    assert {split: int(np.sum(majority[dataset.indices(split)] >= 0)) for split in dataset.split_names()} == {
        "train": 24_941,
        "validation": 3_186,
        "test": 3_137,
    }

    shares = got.distribution()
    sums = shares.sum(axis=1)
    assert np.all(np.isclose(sums, 1, atol=1e-6) | (sums == 0)) and shares.min() >= 0
    assert np.sum(sums == 0) == 178 and np.sum(got.not_a_face()) == 176
    assert not shares[got.counts[:, VOTE_COLUMNS.index("NF")] == 10].any()
    agree = majority == dataset.labels
    assert 0.67 < agree[majority >= 0].mean() < 0.69, (
        "labels and votes of other images would agree on a sixth"
    )
