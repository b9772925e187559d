"""Scoring uses label names, is stored, and counts the uses of a test split."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import CARD, Bundle, find_bundle, read_bundle
from fer_core.bundles.export import load_keras
from fer_core.data import Dataset, open_dataset
from fer_core.data.vote_counts import Votes
from fer_core.data.votes import read_votes
from fer_core.errors import DataError, ModelError
from fer_core.evaluation import scoring
from fer_core.metrics.classification import evaluate, figures

from .. import tiny
from ..tiny import softmax, views


def test_a_model_whose_classes_stand_in_another_order_scores_the_same(
    trained_run: Path, tmp_path: Path
) -> None:
    """The order of names in the card decides: with two outputs renamed, their figures swap places."""
    data = open_dataset("synthetic:350")
    expected = scoring.score(find_bundle(str(trained_run)), data, "validation")
    other = tmp_path / "bundle"
    shutil.copytree(trained_run / "bundle", other)
    card = json.loads((other / CARD).read_text())
    order = card["labels"]
    order[0], order[3] = order[3], order[0]
    (other / CARD).write_text(json.dumps(card))
    swapped = scoring.score(read_bundle(other), data, "validation")
    assert np.array_equal(swapped.probabilities[:, [3, 1, 2, 0, 4, 5, 6]], expected.probabilities)
    matrix = expected.evaluation.confusion_matrix
    assert np.array_equal(swapped.evaluation.confusion_matrix, matrix[:, [3, 1, 2, 0, 4, 5, 6]])


def test_a_second_scoring_computes_nothing(trained_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = open_dataset("synthetic:350")
    bundle = find_bundle(str(trained_run))
    first = scoring.score(bundle, data, "validation", "flip")
    monkeypatch.setattr(scoring, "Classifier", lambda bundle: pytest.fail("it was classified again"))
    again = scoring.score(bundle, data, "validation", "flip")
    assert np.array_equal(first.probabilities, again.probabilities)


def test_looks_at_the_test_split_are_written_down_and_figures_kept(trained_run: Path) -> None:
    data = open_dataset("synthetic:350")
    before = scoring.test_uses(data)
    scored = scoring.score(find_bundle(str(trained_run)), data, "test")
    assert scoring.test_uses(data) == before + 1
    stored = find_bundle(str(trained_run)).card["figures"]["test"]
    assert stored["accuracy"] == scored.evaluation.accuracy and stored["fingerprint"] == data.fingerprint


def test_unscorable_data_is_refused_with_the_reason(trained_run: Path, tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    row = " ".join(["7"] * 2304)
    table.write_text("emotion,pixels\n" + "".join(f"{i % 7},{row}\n" for i in range(14)))
    (tmp_path / "test.csv").write_text(f"pixels\n{row}\n")
    bundle = find_bundle(str(trained_run))
    with pytest.raises(DataError, match="no labels: it can be predicted, but not scored"):
        scoring.score(bundle, open_dataset(tmp_path), "test")
    with pytest.raises(DataError, match="has no test split"):
        scoring.score(bundle, open_dataset(table), "test")
    with pytest.raises(ModelError, match=r"'mirror'.*none, flip, off"):
        scoring.score(bundle, open_dataset("synthetic:70"), "train", "mirror")
    with pytest.raises(ModelError, match="has the classes cat, dog, but the data has"):
        scoring.score(
            read_bundle_with_labels(bundle.path, tmp_path / "b", ["cat", "dog"]),
            open_dataset("synthetic:70"),
            "train",
        )


def read_bundle_with_labels(source: Path, target: Path, labels: list[str]):
    shutil.copytree(source, target)
    card = json.loads((target / CARD).read_text()) | {"labels": labels}
    (target / CARD).write_text(json.dumps(card))
    return read_bundle(target)


# --- Scored against the votes


@pytest.fixture(scope="module")
def dataset(voted: Path) -> Dataset:
    return open_dataset(voted)


@pytest.fixture(scope="module")
def votes(voted: Path, dataset: Dataset) -> Votes:
    return read_votes(voted.with_name("fer2013new.csv"), dataset)


@pytest.fixture
def copied(votes_run: Path, tmp_path: Path) -> Bundle:
    """A bundle of its own, as its run left it, whose card may be written."""
    path = Path(shutil.copytree(votes_run / "bundle", tmp_path / "bundle"))
    card = json.loads((path / CARD).read_text())
    card["figures"] = {"validation": card["figures"]["validation"]}
    (path / CARD).write_text(json.dumps(card))
    return read_bundle(path)


def test_against_votes_only_images_with_a_majority_count(
    copied: Bundle, dataset: Dataset, votes: Votes
) -> None:
    by_labels = scoring.score(copied, dataset, "validation")
    by_votes = scoring.score(copied, dataset, "validation", votes=votes)
    assert sorted(by_votes.indices) == sorted(set(by_labels.indices) - set(tiny.TIES))
    assert np.array_equal(by_votes.true, (dataset.labels[by_votes.indices] + 1) % 7)
    assert np.array_equal(
        by_votes.probabilities, by_labels.probabilities[np.isin(by_labels.indices, by_votes.indices)]
    )
    assert (
        by_votes.evaluation.count == 28
        and by_votes.evaluation.accuracy > 0.7 > 0.3 > by_labels.evaluation.accuracy
    )
    assert by_votes.evaluation.leaked == dataset.leaked(by_votes.indices).sum() == 7


def test_figures_are_kept_apart_by_their_truth(copied: Bundle, dataset: Dataset, votes: Votes) -> None:
    """The figures of a model trained on votes have the split's own name; those of labels another."""
    scoring.score(copied, dataset, "test", votes=votes)
    scoring.score(read_bundle(copied.path), dataset, "test", "flip")
    stored = read_bundle(copied.path).card["figures"]
    assert (stored["test"]["truth"], stored["test+flip@labels"]["truth"]) == ("votes", "labels")
    assert stored["test"]["accuracy"] > stored["test+flip@labels"]["accuracy"]
    assert stored["validation"]["truth"] == "votes" and stored["test"]["fingerprint"] == dataset.fingerprint


def test_figures_on_other_data_are_not_written_down(copied: Bundle) -> None:
    before = (copied.path / CARD).read_text()
    scoring.score(copied, open_dataset("synthetic:70"), "test")
    assert (copied.path / CARD).read_text() == before


# --- Without the other views inside


def test_with_one_view_a_model_gives_what_its_network_gives(votes_run: Path, dataset: Dataset) -> None:
    bundle = find_bundle(str(votes_run))
    network = next(layer for layer in load_keras(bundle).layers if layer.name == "network")
    images = dataset.images[dataset.indices("validation")]
    logits = [
        np.asarray(network(view[..., None], training=False)) for view in views(images, mirror=True, zoom=True)
    ]
    off = scoring.score(bundle, dataset, "validation", "off", save=False).probabilities
    assert np.allclose(off, softmax(logits[0] / bundle.card["temperature"]), atol=1e-5)
    inside = scoring.score(bundle, dataset, "validation", save=False).probabilities
    assert np.allclose(inside, softmax(np.mean(logits, axis=0) / bundle.card["temperature"]), atol=1e-3)
    assert np.abs(inside - off).max() > 0.01, "the two would look alike here"


def test_where_one_view_is_inside_there_is_none_to_leave_out(trained_run: Path) -> None:
    data, bundle = open_dataset("synthetic:350"), find_bundle(str(trained_run))
    off, plain = (
        scoring.score(bundle, data, "validation", tta, save=False).probabilities for tta in ("off", "none")
    )
    assert np.array_equal(off, plain)


def test_what_is_kept_of_one_view_is_not_taken_for_that_of_all(votes_run: Path, dataset: Dataset) -> None:
    bundle = find_bundle(str(votes_run))
    first = {
        tta: scoring.score(bundle, dataset, "test", tta, save=False).probabilities for tta in scoring.TTA
    }
    again = {
        tta: scoring.score(bundle, dataset, "test", tta, save=False).probabilities for tta in scoring.TTA
    }
    assert all(np.array_equal(first[tta], again[tta]) for tta in scoring.TTA)
    assert not np.allclose(first["off"], first["none"], atol=1e-4) and np.allclose(
        first["flip"], first["none"], atol=1e-5
    )


def test_saved_figures_without_leaked_images_are_those_of_the_rest(
    copied: Bundle, dataset: Dataset, votes: Votes
) -> None:
    scored = scoring.score(copied, dataset, "test", votes=votes)
    clean = ~dataset.leaked(scored.indices)
    assert 0 < clean.sum() < len(clean)
    alone = figures(evaluate(scored.probabilities[clean], scored.true[clean], dataset.label_names))
    stored = read_bundle(copied.path).card["figures"]["test"]["without_leaked"]
    assert stored == json.loads(json.dumps({key: alone[key] for key in stored}))


def test_figures_of_two_splits_from_one_reading_of_the_card_are_both_kept(
    copied: Bundle, dataset: Dataset, votes: Votes
) -> None:
    scoring.score(copied, dataset, "test", votes=votes)
    scoring.score(copied, dataset, "train", votes=votes)
    assert set(read_bundle(copied.path).card["figures"]) == {"validation", "test", "train"}


def test_two_models_without_an_inference_file_are_not_taken_for_each_other(
    labels_run: Path, votes_run: Path, dataset: Dataset, tmp_path: Path
) -> None:
    """Models trained by another backend than TensorFlow have none."""
    scored = []
    for run in (labels_run, votes_run):
        shutil.copytree(run / "bundle", tmp_path / run.name)
        (tmp_path / run.name / "model.tflite").unlink()
        scored.append(
            scoring.score(
                read_bundle(tmp_path / run.name), dataset, "validation", "off", save=False
            ).probabilities
        )
    assert not np.allclose(*scored, atol=1e-3)


def test_a_card_counts_the_looks_at_its_test_split(trained_run: Path, tmp_path: Path) -> None:
    """The count travels with the card to other machines; uses of other splits or data do not count."""
    bundle = read_bundle(Path(shutil.copytree(trained_run / "bundle", tmp_path / "bundle")))
    before, data = scoring.uses_in_card(bundle.card) or 0, open_dataset("synthetic:350")
    scoring.score(bundle, data, "test")
    scoring.score(read_bundle(bundle.path), data, "test", "flip")
    scoring.score(read_bundle(bundle.path), data, "validation")
    scoring.score(read_bundle(bundle.path), open_dataset("synthetic:70"), "test")
    assert scoring.uses_in_card(read_bundle(bundle.path).card) == before + 2
    assert scoring.uses_in_card({"figures": {"validation": {"uses": 3}}}) is None
