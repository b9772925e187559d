"""Runs as a whole: listed with true figures, promoted, packed, deleted."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from fer_core.bundles.bundle import find_bundle, is_shipped, own_models, shipped
from fer_core.config import RunConfig
from fer_core.errors import ModelError, TrainingError
from fer_core.runs import manage
from fer_core.runs.registry import Registry, RunNotes
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.table import run_rows


@pytest.fixture
def run(trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    shutil.copytree(trained_run, tmp_path / "runs" / "mine")
    return RunFolder(tmp_path / "runs" / "mine")


def test_a_promoted_model_is_found_by_its_name_and_outlives_the_run(run: RunFolder) -> None:
    before = [bundle.name for bundle in shipped()]
    kept = manage.promote(run, "my-model")
    manage.delete(run)
    found = find_bundle("my-model")
    assert found.path == kept.path and found.name == "my-model" and found.card["promoted"] == "mine"
    assert found.inference_file.is_file() and found.keras_file.is_file()
    assert [bundle.name for bundle in own_models()] == ["my-model"] and not is_shipped(found)
    assert [bundle.name for bundle in shipped()] == before


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "x" * 61, "a b", "ä"])
def test_a_name_that_is_none_is_refused(run: RunFolder, name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model's name"):
        manage.promote(run, name)


def test_nothing_is_overwritten_and_a_run_without_model_is_not_promoted(run: RunFolder) -> None:
    manage.promote(run, "taken")
    with pytest.raises(ModelError, match="There is a model called taken already"):
        manage.promote(run, "taken")
    shutil.rmtree(run.bundle)
    with pytest.raises(ModelError, match="has no model yet"):
        manage.promote(run, "other")
    assert [bundle.name for bundle in own_models()] == ["taken"]


def test_a_packed_run_has_its_records_and_model(run: RunFolder) -> None:
    with zipfile.ZipFile(io.BytesIO(manage.pack(run))) as file:
        names = set(file.namelist())
        assert {
            "mine/config.json",
            "mine/history.csv",
            "mine/bundle/model.tflite",
            "mine/bundle/card.json",
        } <= names
        assert "mine/checkpoint.npz" not in names
        assert file.read("mine/history.csv") == (run.path / "history.csv").read_bytes()


def test_a_run_under_way_is_not_deleted(run: RunFolder) -> None:
    run.write_status("running")
    with run.lock(), pytest.raises(TrainingError, match="mine is running: stop it before it is deleted"):
        manage.delete(run)
    assert run.exists()
    Registry(run.path.parent).describe("mine", note="x")
    Registry(run.path.parent).enqueue("mine")
    run.write_status("queued")
    manage.delete(run)
    assert not run.path.exists() and run_rows(run.path.parent) == []
    assert Registry(run.path.parent).notes() == {} and Registry(run.path.parent).queue() == []


def test_a_row_has_the_figures_of_the_run(run: RunFolder) -> None:
    Registry(run.path.parent).describe("mine", title="The first", note="small")
    (row,) = run_rows(run.path.parent)
    history = run.history()
    best = max(r["val_accuracy"] for r in history)
    card = json.loads((run.bundle / "card.json").read_text())
    assert (row.title, row.state, row.epochs, row.best_accuracy) == ("The first", "finished", 2, best)
    assert row.notes == RunNotes("The first", "small", None)
    assert row.parameters == card["parameters"] and row.fingerprint == card["data"]["fingerprint"]
    assert list(row.interval or ()) == pytest.approx(card["figures"]["validation"]["accuracy_ci95"])
    assert row.seconds == pytest.approx(sum(r["seconds"] for r in history))
    json.dumps(row.as_json())


def test_settings_that_differ_are_told_by_path() -> None:
    one = (
        RunConfig(preset="quick")
        .replace("train", epochs=3)
        .replace("model", family="plain", hparams={"filters": [8]})
    )
    other = (
        one.replace("train", optimizer="sgd")
        .with_setting("model.hparams.filters", [16])
        .replace("augment", flip=True)
    )
    assert one.differences(other) == {
        "train.optimizer": ("adam", "sgd"),
        "model.hparams.filters": ([8], [16]),
        "augment.flip": (False, True),
    }
    assert one.differences(one) == {}


def test_a_name_whose_earlier_run_was_not_deleted_to_its_end_can_be_deleted(run: RunFolder) -> None:
    left = run.path.with_name(".mine.deleted")
    (left / "bundle").mkdir(parents=True)
    manage.delete(run)
    assert not run.path.exists() and not left.exists()
    with pytest.raises(TrainingError, match="mine is no longer there: it was deleted"):
        manage.delete(run)


def test_a_copy_that_another_process_makes_of_an_old_run_is_left_alone(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(run.bundle, (0, 0))  # a copied folder takes over the time of the original
    copy = shutil.copytree
    names = iter(["second"])

    def copied(source: Path, target: Path) -> None:
        copy(source, target)
        for name in names:
            manage.promote(run, name)  # at this moment

    monkeypatch.setattr(manage.shutil, "copytree", copied)
    manage.promote(run, "first")
    assert [bundle.name for bundle in own_models()] == ["first", "second"]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["first", "second"]
