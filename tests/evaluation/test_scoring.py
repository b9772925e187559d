"""Scoring goes by label names, is kept, and counts the looks at a test split."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundle import CARD, find_bundle, read_bundle
from fer_core.data import open_dataset
from fer_core.errors import DataError, ModelError
from fer_core.evaluation import scoring


def test_a_model_whose_classes_stand_in_another_order_scores_the_same(trained_run: Path, tmp_path: Path) -> None:
    """The card's order of names decides, not the position: rename two outputs and their figures swap places."""
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
    kept = find_bundle(str(trained_run)).card["figures"]["test"]
    assert kept["accuracy"] == scored.evaluation.accuracy and kept["fingerprint"] == data.fingerprint


def test_what_cannot_be_scored_says_why(trained_run: Path, tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    row = " ".join(["7"] * 2304)
    table.write_text("emotion,pixels\n" + "".join(f"{i % 7},{row}\n" for i in range(14)))
    (tmp_path / "test.csv").write_text(f"pixels\n{row}\n")
    bundle = find_bundle(str(trained_run))
    with pytest.raises(DataError, match="no labels: it can be predicted, but not scored"):
        scoring.score(bundle, open_dataset(tmp_path), "test")
    with pytest.raises(DataError, match="has no test split"):
        scoring.score(bundle, open_dataset(table), "test")
    with pytest.raises(ModelError, match="tell"):
        scoring.score(read_bundle_with_labels(bundle.path, tmp_path / "b", ["cat", "dog"]), open_dataset("synthetic:70"), "train")


def read_bundle_with_labels(source: Path, target: Path, labels: list[str]):
    shutil.copytree(source, target)
    card = json.loads((target / CARD).read_text()) | {"labels": labels}
    (target / CARD).write_text(json.dumps(card))
    return read_bundle(target)
