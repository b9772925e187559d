"""Evaluation records: unchanged when found again, never for another model, and enough for every figure."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import CARD, Bundle, find_bundle, read_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.data.vote_counts import Votes
from fer_core.data.votes import find_votes, read_votes
from fer_core.evaluation import record as records
from fer_core.evaluation import scoring
from fer_core.metrics.classification import evaluate


@pytest.fixture
def bundle(labels_run: Path, tmp_path: Path) -> Bundle:
    """A model of one's own, without what other tests may have evaluated with the one that it is a copy of."""
    shutil.copytree(labels_run / "bundle", tmp_path / "mine")
    return read_bundle(tmp_path / "mine")


@pytest.fixture(scope="module")
def data(voted: Path) -> Dataset:
    return open_dataset(voted)


@pytest.fixture(scope="module")
def votes(data: Dataset) -> Votes:
    path = find_votes(data.source)
    assert path is not None
    return read_votes(path, data)


def files(bundle: Bundle) -> list[str]:
    return sorted(path.name for path in (bundle.path / records.FOLDER).glob("*"))


def test_an_evaluation_stands_in_the_bundle_and_gives_every_figure_without_the_images(
    bundle: Bundle, data: Dataset, votes: Votes
) -> None:
    scored = scoring.score(bundle, data, "test")
    (stored,) = records.stored(read_bundle(bundle.path))
    selected = data.indices("test")
    assert (stored.split, stored.fingerprint, stored.model, stored.truth) == (
        "test",
        data.fingerprint,
        bundle.name,
        "labels",
    )
    assert stored.source == "fer.csv" and len(stored) == len(selected)
    assert np.array_equal(stored.rows, data.rows[selected]) and np.array_equal(
        stored.true, data.labels[selected]
    )
    assert np.array_equal(stored.leaked, data.leaked(selected)) and stored.leaked.sum() == 7
    assert np.array_equal(stored.votes, votes.counts[selected])  # they stand beside the data
    assert stored.brightness == pytest.approx(data.images[selected].mean(axis=(1, 2)), abs=1e-3)
    assert stored.contrast == pytest.approx(data.images[selected].std(axis=(1, 2)), abs=1e-3)
    result = evaluate(stored.probabilities, stored.true, stored.labels, stored.leaked)
    assert (
        result.accuracy == scored.evaluation.accuracy
        and result.accuracy_without_leaked == scored.evaluation.accuracy_without_leaked
    )
    assert np.array_equal(result.confusion_matrix, scored.evaluation.confusion_matrix)


def test_the_truth_of_the_voters_needs_no_data_either(bundle: Bundle, data: Dataset, votes: Votes) -> None:
    by_votes = scoring.score(bundle, data, "validation", votes=votes)
    (stored,) = records.stored(bundle)
    again = stored.by_votes()
    assert stored.truth == "labels" and again.truth == by_votes.record.truth == "votes"
    assert len(again) == len(by_votes.indices) == 28  # of 35; on seven the voters are even
    assert np.array_equal(again.true, by_votes.true) and np.array_equal(
        again.probabilities, by_votes.probabilities
    )
    assert not np.array_equal(
        again.true, stored.only(np.isin(stored.rows, again.rows)).true
    )  # the voters chose other classes


def test_a_model_that_changed_gets_new_answers(
    bundle: Bundle, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.score(bundle, data, "validation")
    monkeypatch.setattr(
        scoring, "Classifier", lambda *arguments, **options: pytest.fail("it was classified again")
    )
    scoring.score(bundle, data, "validation")
    monkeypatch.undo()
    card = json.loads((bundle.path / CARD).read_text())
    swapped = card | {"labels": [card["labels"][i] for i in (1, 0, 2, 3, 4, 5, 6)]}
    (bundle.path / CARD).write_text(json.dumps(swapped))
    assert list(records.stored(read_bundle(bundle.path))) == []
    other = scoring.score(read_bundle(bundle.path), data, "validation").probabilities
    (bundle.path / CARD).write_text(json.dumps(card))
    assert np.array_equal(
        other[:, [1, 0, 2, 3, 4, 5, 6]],
        scoring.score(read_bundle(bundle.path), data, "validation").probabilities,
    )


def test_a_damaged_record_is_computed_again(bundle: Bundle, data: Dataset) -> None:
    expected = scoring.score(bundle, data, "validation").probabilities
    (name,) = files(bundle)
    path = bundle.path / records.FOLDER / name
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"no zip file"):
        path.write_bytes(damaged)
        assert list(records.stored(bundle)) == []
        assert np.array_equal(scoring.score(bundle, data, "validation").probabilities, expected)
        assert len(path.read_bytes()) == len(whole)


def test_a_bundle_that_cannot_be_written_has_its_records_in_the_cache(bundle: Bundle, data: Dataset) -> None:
    (bundle.path / records.FOLDER).write_text("in the way of the folder")
    scoring.score(bundle, data, "train")
    (stored,) = records.stored(bundle)
    assert stored.split == "train" and stored.leaked is None


def test_shipped_models_are_left_as_they_are(data: Dataset) -> None:
    shipped = find_bundle("standard")
    before = sorted((path, path.stat().st_mtime_ns) for path in shipped.path.rglob("*"))
    scoring.score(shipped, data, "validation")
    assert sorted((path, path.stat().st_mtime_ns) for path in shipped.path.rglob("*")) == before
    assert data.fingerprint in {stored.fingerprint for stored in records.stored(shipped)}


def test_looks_at_the_test_split_are_counted_by_data_and_by_model(bundle: Bundle, data: Dataset) -> None:
    mine = bundle.card["name"] + " alone"
    (bundle.path / CARD).write_text(json.dumps(bundle.card | {"name": mine}))
    renamed, before = read_bundle(bundle.path), scoring.test_uses(data)
    scoring.score(renamed, data, "test")
    scoring.score(renamed, open_dataset("synthetic:70"), "test")
    scoring.score(renamed, data, "validation")
    assert scoring.test_uses(data) == scoring.test_uses(data.fingerprint) == before + 1
    assert scoring.test_uses(model=mine) == 2 and scoring.test_uses(data, mine) == 1
