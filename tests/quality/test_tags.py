"""Tags apply to the content of an image, are removable, and invalid ones are an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.errors import DataError
from fer_core.quality.tags import MAX_TAGS, Tags


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset("synthetic:70")


def test_tags_are_added_once_and_removed(data: Dataset, tmp_path: Path) -> None:
    tags = Tags(data, tmp_path / "tags.sqlite")
    assert tags.all() == {}
    tags.add([3, 5], " glasses ")
    tags.add(np.array([5]), "blurred")
    tags.add([5], "glasses")
    again = Tags(data, tmp_path / "tags.sqlite")
    assert again.all() == {3: ("glasses",), 5: ("blurred", "glasses")}
    again.remove([3, 5], "glasses")
    assert tags.all() == {5: ("blurred",)}


def test_a_variant_has_the_tags_of_its_original_and_other_data_has_none(
    data: Dataset, tmp_path: Path
) -> None:
    Tags(data, tmp_path / "tags.sqlite").add([5], "glasses")
    recipe = Recipe(data.source, data.fingerprint, {int(data.rows[0]): "dropped"}, {})
    variant = open_dataset(str(save_recipe(recipe, tmp_path, "variant")))
    assert Tags(variant, tmp_path / "tags.sqlite").all() == {4: ("glasses",)}
    assert not Tags(open_dataset("synthetic:70:1"), tmp_path / "tags.sqlite").all()


@pytest.mark.parametrize("tag", ["", "  ", "x" * 41, "a,b", "a;b", "a\nb", "a\0b", "\u202eb"])
def test_an_invalid_tag_is_an_error(data: Dataset, tmp_path: Path, tag: str) -> None:
    with pytest.raises(DataError, match="Expected a tag of 1 to 40 characters"):
        Tags(data, tmp_path / "tags.sqlite").add([0], tag)


def test_different_tags_are_limited(data: Dataset, tmp_path: Path) -> None:
    tags = Tags(data, tmp_path / "tags.sqlite")
    for number in range(MAX_TAGS):
        tags.add([0], f"tag {number}")
    tags.add([1], "tag 0")
    with pytest.raises(DataError, match="at most 50 different tags"):
        tags.add([1], "one more")


def test_a_damaged_file_is_an_error(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "tags.sqlite").write_bytes(b"not SQLite" * 500)
    with pytest.raises(DataError, match="move the file away"):
        Tags(data, tmp_path / "tags.sqlite").all()
