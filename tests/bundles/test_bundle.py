"""Bundles and cards that are damaged, or do not fit together, are named in one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fer_core.bundles import bundle as bundles
from fer_core.bundles.bundle import CARD, find_bundle, read_bundle
from fer_core.bundles.export import export
from fer_core.errors import ModelError
from fer_core.inference import Predictor


@pytest.fixture
def copy(trained_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_run / "bundle", tmp_path / "bundle"))


def change(path: Path, **values: object) -> None:
    card = json.loads((path / CARD).read_text()) | values
    (path / CARD).write_text(json.dumps(card))


@pytest.mark.parametrize("labels", [None, [], ["angry"] * 7, ["angry", 3], "angry"])
def test_labels_that_are_none(copy: Path, labels: object) -> None:
    change(copy, labels=labels)
    with pytest.raises(ModelError, match="label names"):
        read_bundle(copy)


@pytest.mark.parametrize("part", ["data", "figures", "training", "config"])
def test_parts_that_are_no_objects(copy: Path, part: str) -> None:
    change(copy, **{part: None})
    with pytest.raises(ModelError, match=part):
        read_bundle(copy)


def test_a_card_with_fewer_labels_than_outputs(copy: Path) -> None:
    change(copy, labels=["angry", "happy"])
    with pytest.raises(ModelError, match="7 outputs"):
        Predictor(read_bundle(copy))


@pytest.mark.parametrize(
    ("format", "file", "kind"),
    [
        ("keras", "model.keras", "Keras"),
        ("onnx", "model.keras", "Keras"),
        ("litert", "model.tflite", "LiteRT"),
    ],
)
def test_a_damaged_model_is_not_exported(
    copy: Path, tmp_path: Path, format: str, file: str, kind: str
) -> None:
    (copy / file).write_bytes(b"x")
    with pytest.raises(ModelError, match=f"cannot be read as a {kind} model"):
        export(read_bundle(copy), format, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_card_with_an_unknown_quantisation_makes_no_file(copy: Path, tmp_path: Path) -> None:
    (copy / "model.tflite").unlink()
    change(copy, quantisation="banana")
    with pytest.raises(ModelError, match=r"'banana'.*none, float16, int8"):
        export(read_bundle(copy), "litert", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_shipped_model_does_not_hide_the_others(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / CARD).write_text("{")
    monkeypatch.setattr(bundles, "MODELS_DIR", tmp_path)
    assert [b.path.name for b in bundles.shipped()] == ["bundle"]


def test_a_run_without_a_model_yet(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="has no model yet"):
        find_bundle(str(tmp_path))
