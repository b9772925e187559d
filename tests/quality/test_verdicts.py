"""Verdicts apply to the content of an image, can be undone, and become a cleaned variant."""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.data.recipe import Recipe, save_recipe
from fer_core.data.votes import find_votes, read_votes
from fer_core.errors import DataError
from fer_core.quality.verdicts import Verdicts

pytestmark = pytest.mark.long


@pytest.fixture
def verdicts(faces: Dataset, tmp_path: Path) -> Verdicts:
    return Verdicts(faces, tmp_path / "verdicts.sqlite")


def judgements(verdicts: Verdicts) -> dict[int, tuple[str, str | None]]:
    return {i: (v.verdict, v.label) for i, v in verdicts.all().items()}


def test_the_last_verdict_holds_and_steps_are_taken_back_one_by_one(verdicts: Verdicts) -> None:
    assert judgements(verdicts) == {} and verdicts.undo() == 0
    assert verdicts.give([3, 5, 8], "ambiguous") == 3
    verdicts.give([5], "wrong", "sad")
    verdicts.give([9], "right", "sad")
    assert judgements(verdicts) == {
        3: ("ambiguous", None),
        5: ("wrong", "sad"),
        8: ("ambiguous", None),
        9: ("right", None),
    }
    assert verdicts.undo() == 1 and verdicts.undo() == 1
    assert judgements(verdicts) == {3: ("ambiguous", None), 5: ("ambiguous", None), 8: ("ambiguous", None)}
    assert verdicts.undo() == 3 and judgements(verdicts) == {} and verdicts.undo() == 0


@pytest.mark.parametrize(
    ("verdict", "label"), [("bad", None), ("wrong", None), ("wrong", "bored"), ("", None)]
)
def test_what_is_no_verdict_is_refused(verdicts: Verdicts, verdict: str, label: str | None) -> None:
    with pytest.raises(DataError, match=r"[Ee]xpected one of"):
        verdicts.give([1], verdict, label)
    assert judgements(verdicts) == {}


def test_verdicts_on_other_data_are_not_mixed_in_but_copies_share_them(
    faces: Dataset, tmp_path: Path, data: Dataset
) -> None:
    path = tmp_path / "verdicts.sqlite"
    Verdicts(faces, path).give([0], "ambiguous")
    mine = Verdicts(data, path)
    assert judgements(mine) == {}
    copy = int(np.flatnonzero(data.leaked(np.arange(len(data))) & (data.splits != 0))[0])
    mine.give([copy], "wrong", "fear")
    assert len(judgements(mine)) == 2 and Verdicts(faces, path).undo() == 1


def test_the_csv_has_what_one_needs_elsewhere(verdicts: Verdicts, faces: Dataset) -> None:
    verdicts.give([3], "wrong", "fear")
    (row,) = csv.DictReader(io.StringIO(verdicts.as_csv()))
    assert (
        int(row["row"]) == faces.rows[3]
        and row["split"] == "train"
        and row["label"] == faces.label_names[faces.labels[3]]
    )
    assert (row["verdict"], row["should_be"]) == ("wrong", "fear") and row["time"].endswith("Z")


def test_a_variant_leaves_out_and_relabels_in_train_alone(
    verdicts: Verdicts, faces: Dataset, tmp_path: Path
) -> None:
    train, test = faces.indices("train"), faces.indices("test")
    wrong = int(train[0])
    other = "fear" if faces.label_names[faces.labels[wrong]] != "fear" else "sad"
    verdicts.give([wrong], "wrong", other)
    verdicts.give(train[1:3], "ambiguous")
    verdicts.give([train[3], test[0]], "not a face")
    verdicts.give([train[4]], "right")
    path = save_recipe(verdicts.recipe(), tmp_path, "clean")
    variant = open_dataset(path)
    assert (
        len(variant) == len(faces) - 3
        and variant.fingerprint != faces.fingerprint
        and variant.variant_of == faces.fingerprint
    )
    assert set(faces.rows) - set(variant.rows) == set(faces.rows[train[1:4]])
    at = int(np.flatnonzero(variant.rows == faces.rows[wrong])[0])
    assert variant.label_names[variant.labels[at]] == other and np.array_equal(
        variant.images[at], faces.images[wrong]
    )
    assert np.array_equal(variant.images[variant.indices("test")], faces.images[test]), (
        "the test split must stay"
    )
    assert judgements(Verdicts(variant, tmp_path / "verdicts.sqlite"))[at] == ("wrong", other), (
        "a variant shares them"
    )
    assert "3 images left out and 1 label changed" in variant.warnings[-1]
    assert open_dataset(path).fingerprint == variant.fingerprint


def test_recipes_are_refused_that_do_not_fit(faces: Dataset, tmp_path: Path) -> None:
    good = Recipe("synthetic:700", faces.fingerprint, {1: "copy"})
    save_recipe(good, tmp_path, "one")
    with pytest.raises(DataError, match="There is a variant called one already"):
        save_recipe(good, tmp_path, "one")
    for name in ("", "a/b", "../x", "ä", "x" * 61):
        with pytest.raises(DataError, match="cannot be a variant's name"):
            save_recipe(good, tmp_path, name)
    for i, (recipe, words) in enumerate(
        [
            (Recipe("synthetic:700", "0" * 16, {}), "made for other content"),
            (Recipe("synthetic:700", faces.fingerprint, {99_999: "x"}), "names row 99999"),
            (Recipe("synthetic:700", faces.fingerprint, {}, {1: "bored"}), "the label 'bored'"),
            (
                Recipe("synthetic:700", faces.fingerprint, {int(r): "x" for r in faces.rows}),
                "leaves out every image",
            ),
            (Recipe("/nowhere.csv", faces.fingerprint), "does not exist"),
            (Recipe(str(tmp_path / "wrong-5.recipe.json"), faces.fingerprint), "of itself"),
        ]
    ):
        path = save_recipe(recipe, tmp_path, f"wrong-{i}")
        with pytest.raises(DataError, match=words):
            open_dataset(path)
    (tmp_path / "bad.recipe.json").write_text('{"format": "fer-explorer-recipe", "drop": 3}')
    with pytest.raises(DataError, match="is not a recipe"):
        open_dataset(tmp_path / "bad.recipe.json")


def test_a_variant_keeps_the_votes_of_its_original(data: Dataset, votes, voted: Path, tmp_path: Path) -> None:
    drop = {int(data.rows[0]): "x", int(data.rows[50]): "x"}
    path = save_recipe(Recipe(str(voted), data.fingerprint, drop), tmp_path, "variant")
    variant = open_dataset(path)
    found = find_votes(str(path))
    assert found == find_votes(str(voted)) and found is not None
    assert np.array_equal(read_votes(found, variant).counts, np.delete(votes.counts, [0, 50], axis=0))


def test_a_variant_of_a_variant_still_shares_the_verdicts(faces: Dataset, tmp_path: Path) -> None:
    first = open_dataset(save_recipe(Recipe("synthetic:700", faces.fingerprint, {0: "x"}), tmp_path, "first"))
    second = open_dataset(save_recipe(Recipe(first.source, first.fingerprint, {1: "x"}), tmp_path, "second"))
    Verdicts(faces, tmp_path / "verdicts.sqlite").give([5], "ambiguous")
    assert len(second) == len(faces) - 2 and judgements(Verdicts(second, tmp_path / "verdicts.sqlite")) == {
        3: ("ambiguous", None)
    }


def test_a_row_names_one_image_where_the_source_has_several_tables(faces: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, part in (("train.csv", range(70)), ("test.csv", range(70, 140))):
        rows = [f"{faces.labels[i]},{' '.join(map(str, faces.images[i].ravel()))}" for i in part]
        (folder / name).write_text("emotion,pixels\n" + "\n".join(rows) + "\n")
    data = open_dataset(folder)
    assert len(set(data.rows.tolist())) == 140
    test = data.indices("test")
    mine = Verdicts(data, tmp_path / "verdicts.sqlite")
    mine.give(test[:2], "not a face")
    variant = open_dataset(save_recipe(mine.recipe(("test",)), tmp_path, "clean"))
    assert len(variant.indices("test")) == 68 and len(variant.indices("train")) == len(data.indices("train"))


def test_a_damaged_file_is_one_sentence(faces: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_bytes(b"nothing of the kind, but long enough to be read as a page " * 50)
    with pytest.raises(DataError, match="cannot be used"):
        Verdicts(faces, path).all()
    path.unlink()
    with sqlite3.connect(path):
        assert Verdicts(faces, path).all() == {}
