"""Copies: exact and near ones are found, and sorted by importance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.data import Dataset
from fer_core.quality import copies
from fer_core.quality.copies import copy_groups, leaked_near
from tests.quality.conftest import compressed, write_npz

pytestmark = pytest.mark.long


@pytest.fixture
def known(tmp_path: Path, faces: Dataset) -> tuple[Dataset, dict[str, set[int]]]:
    """210 faces with four groups of copies, by the rows of the file."""
    images = np.asarray(faces.images[:210]).copy()
    labels = np.arange(210) % 7
    images[200] = compressed(images[14])  # near, across splits, same label (200 % 7 is 4): set below
    labels[200] = labels[14]
    images[201] = images[22]  # exact, across splits, other label
    labels[201] = (labels[22] + 1) % 7
    images[40] = images[33]  # exact, within train, same label
    labels[40] = labels[33]
    images[50] = np.clip(images[43].astype(int) + 12, 0, 255)  # brighter, within train, other label
    labels[50] = (labels[43] + 2) % 7
    data = write_npz(
        tmp_path / "copies.csv",
        images,
        labels,
        ["Training"] * 150 + ["PublicTest"] * 30 + ["PrivateTest"] * 30,
    )
    return data, {"leak": {22, 201}, "near leak": {14, 200}, "other label": {43, 50}, "same": {33, 40}}


def rows(data: Dataset, groups) -> list[set[int]]:
    return [set(data.rows[group.members].tolist()) for group in groups]


def test_exact_copies_alone(known) -> None:
    data, expected = known
    groups = copy_groups(data, near=False)
    assert rows(data, groups) == [expected["leak"], expected["same"]]
    assert [group.exact for group in groups] == [True, True]


def test_near_copies_too_with_what_matters_most_first(known) -> None:
    data, expected = known
    groups = copy_groups(data)
    assert rows(data, groups) == [
        expected["leak"],
        expected["near leak"],
        expected["other label"],
        expected["same"],
    ]
    assert [group.exact for group in groups] == [True, False, False, True]
    assert [group.across_splits for group in groups] == [True, True, False, False]
    assert [group.different_labels for group in groups] == [True, False, True, False]


def test_images_outside_train_with_a_copy_in_it_are_found(known) -> None:
    data, _ = known
    leaked = leaked_near(data, copy_groups(data))
    assert set(data.rows[leaked].tolist()) == {200, 201}


def test_bands_miss_no_close_pair() -> None:
    """Against the comparison of all with all."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 300, dtype=np.uint64)
    for i in range(100):  # pairs with 0 to 9 bits apart
        flips = rng.choice(64, i % 10, replace=False)
        hashes[200 + i] = hashes[i] ^ np.bitwise_or.reduce(
            np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0)
        )
    i, j = np.triu_indices(300, 1)
    close = np.bitwise_count(hashes[i] ^ hashes[j]) <= 6
    expected = set(zip(i[close].tolist(), j[close].tolist(), strict=True))
    found = {tuple(pair) for pair in copies._candidates(hashes).tolist()}
    assert expected <= found and all(
        np.bitwise_count(hashes[a] ^ hashes[b]) <= copies.MAX_DISTANCE for a, b in found
    )


def test_many_empty_images_end_in_finite_time(tmp_path: Path) -> None:
    images = np.zeros((1200, 48, 48), np.uint8)
    data = write_npz(
        tmp_path / "empty.csv", images, np.arange(1200) % 7, ["Training"] * 1000 + ["PublicTest"] * 200
    )
    (group,) = copy_groups(data)
    assert len(group.members) == 1200


def test_real_near_copies_are_found(fer2013_data: Dataset) -> None:
    """FER2013 has hundreds of near copies across splits beside the exact ones."""
    exact = copy_groups(fer2013_data, near=False)
    assert sum(len(group.members) - 1 for group in exact) == 1853
    assert (
        sum(group.across_splits for group in exact) == 557
        and sum(group.different_labels for group in exact) == 57
    )
