"""Runs, models, evaluations and variants that somebody else has made, dropped into the folders: pages that
show them stay usable."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core import storage
from fer_core.bundles.bundle import CARD, INFERENCE, MODELS_DIR, find_bundle, own_models, read_bundle
from fer_core.data.recipe import FORMAT, SUFFIX
from fer_core.emotions import NAMES
from fer_core.errors import ModelError
from fer_core.evaluation import record
from fer_core.runs.run_folder import HISTORY_COLUMNS
from tests.pages.conftest import open_page
from tests.pages.made_runs import made_run

pytestmark = pytest.mark.long

LONG = "x" * 10**6
DEEP = "[" * 100_000 + "]" * 100_000
NESTED = "[" * 400 + "]" * 400
TURNED = "\u202eyppah\u0000\u0007\u2066<a href='http://192.0.2.1'>x</a>"
HALF = "\ud800"
HUGE = 10**400
_SECONDS = 20  # of a page; the machine may be busy


def _figures(value: Any) -> dict[str, Any]:
    names = ("accuracy", "accuracy_without_leaked", "macro_f1", "calibration_error", "count", "uses")
    one = dict.fromkeys(names, value) | {"accuracy_ci95": [value, value], "per_class": {"happy": value}}
    return {"figures": dict.fromkeys(("test", "validation", "test@votes"), one), "parameters": value}


def _epochs(count: int, value: Any = 0.5) -> dict[str, Any]:
    columns = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "best")
    return {"training": {"epochs": count, "history": [dict.fromkeys(columns, value)] * count}}


# Changes to a good card, or its text.
CARDS: dict[str, dict[str, Any] | str] = {
    "long-label": {"labels": [LONG, "sad"]},
    "many-labels": {"labels": [f"class {number}" for number in range(100_000)]},
    "equal-labels": {"labels": ["happy", "happy"]},
    "turned-labels": {"labels": [TURNED, *NAMES[1:]]},
    "half-labels": {"labels": [HALF, *NAMES[1:]]},
    "markup-labels": {"labels": ["<a href='http://192.0.2.1'>sign in</a>", *NAMES[1:]]},
    "other-labels": {"labels": ["a", "b", "c", "d", "e"]},
    "long-texts": {"name": LONG, "preset": LONG, "licence": LONG, "command": LONG, "uses": [LONG] * 3},
    "turned-texts": {"name": TURNED, "preset": HALF, "licence": TURNED, "data": {"source": HALF}},
    "path": {"name": "../../escape", "promoted": "../../escape", "imported": {"file": "../../x"}},
    "types": {"labels": list(NAMES), "figures": {"test": 3}, "training": {"history": 3, "epochs": "x"}},
    "lists": {"uses": 3, "limits": {"a": 1}, "members": [3, None], "layers": [[1]], "steps": [1]},
    "not-a-number": _figures(float("nan")),
    "infinite": _figures(float("inf")),
    "negative": _figures(-5),
    "huge": _figures(1e300),
    "digits": _figures(HUGE),
    "texts-for-numbers": _figures(LONG),
    "epochs": _epochs(50_000),
    "epochs-without-numbers": _epochs(20, float("nan")),
    "epochs-huge": _epochs(20, 1e308),
    "layers": {
        "layers": [{"name": LONG[:1000], "type": "x", "output": [HUGE] * 100, "parameters": 3}] * 3000
    },
    "matrix": {"figures": {"test": {"accuracy": 0.5, "confusion": [[1] * 1000] * 1000}}},
    "classes": {"figures": {"test": {"per_class": {f"c{n}": {"f1": 1} for n in range(50_000)}}}},
    "large": {"note": "x" * 20_000_000},
    "deep": DEEP,
    "nested": '{"labels": ["a", "b"], "figures": {"test": ' + NESTED + "}}",
    "no-object": "[1]",
    "no-json": "\0\0",
}


def _history(value: object, count: int) -> bytes:
    row = ",".join([str(value)] * len(HISTORY_COLUMNS))
    return "\n".join([",".join(HISTORY_COLUMNS), *[row] * count]).encode()


def _status(**more: Any) -> bytes:
    return json.dumps(
        {"state": "finished", "started": 1.7e9, "updated": 1.7e9, "message": ""} | more
    ).encode()


# File of a run and its content.
RUNS: dict[str, tuple[str, bytes]] = {
    "history-nan": ("history.csv", _history("nan", 3)),
    "history-infinite": ("history.csv", _history("inf", 3)),
    "history-negative": ("history.csv", _history(-3, 3)),
    "history-huge": ("history.csv", _history("1e308", 3)),
    "history-long": ("history.csv", _history(1, 100_000)),
    "batches-nan": ("batches.csv", b"h\n" + b"nan,inf,-inf,nan,nan\n" * 9),
    "batches-huge": ("batches.csv", b"h\n" + b"1e308,1e308,-1e308,1e308,1e308\n" * 9),
    "status-times": ("status.json", _status(started=float("nan"), updated=float("inf"))),
    "status-late": ("status.json", _status(started=1e300, updated=-1e300)),
    "status-year": ("status.json", _status(started=1e12)),
    "status-digits": ("status.json", _status(started=HUGE, validation_images=HUGE, parameters=HUGE)),
    "status-texts": ("status.json", _status(message=LONG, fingerprint=LONG, data_notes=[LONG] * 9)),
    "status-state": ("status.json", _status(state=LONG)),
    "status-turned": ("status.json", _status(message=TURNED, state=HALF, data_notes=[HALF, 3])),
    "status-deep": ("status.json", DEEP.encode()),
    "progress": ("progress.json", b'{"epoch": 1e999, "batch": NaN, "batches": 0, "batch_size": -1}'),
    "config-deep": ("config.json", DEEP.encode()),
    "config-preset": ("config.json", json.dumps({"preset": LONG, "data": {"source": LONG}}).encode()),
    "config-turned": ("config.json", json.dumps({"preset": TURNED, "data": {"source": HALF}}).encode()),
    "config-source": ("config.json", json.dumps({"data": {"source": "../../\0"}}).encode()),
    "config-sizes": ("config.json", json.dumps({"model": {"hparams": {"filters": [10**9] * 999}}}).encode()),
    "config-nested": ("config.json", ('{"model": {"hparams": {"filters": ' + NESTED + "}}}").encode()),
    "steering": ("steering.jsonl", b'{"epoch": 1, "action": "learning rate", "value": NaN}\n' * 50_000),
    "control": ("control.json", b'{"mode": "run", "rate_factor": 1e308}'),
    "watch": ("watch.records", os.urandom(100_000)),
    "log": ("log.txt", b"\x1b[31m\xff\0" * 100_000),
}


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them beside one good run and one good model; tests only read them."""
    folder = tmp_path_factory.mktemp("hostile")
    runs, models = folder / "runs", folder / "models"
    made_run(runs, "good")
    for name, (file, content) in RUNS.items():
        (made_run(runs, name).path / file).write_bytes(content)
    good = find_bundle("tiny")
    for name, change in {"good": {}, **CARDS}.items():
        path = models / name
        path.mkdir(parents=True)
        shutil.copy(good.inference_file, path / INFERENCE)
        (path / CARD).write_text(
            change
            if isinstance(change, str)
            else json.dumps(good.card | {"promoted": "x", "name": "m"} | change)
        )
    (models / "loop").mkdir()
    (models / "loop" / CARD).symlink_to("card.json")
    (models / "endless").mkdir()
    (models / "endless" / CARD).symlink_to("/dev/zero")
    shutil.copytree(MODELS_DIR / "tiny", models / "lying-network")
    shutil.copy(find_bundle("best").inference_file, models / "lying-network" / INFERENCE)
    (models / "lying-network" / CARD).write_text(
        json.dumps(good.card | {"promoted": "x", "labels": ["a", "b"]})
    )
    return folder


@pytest.fixture
def hostile(hostile_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable, name in (
        ("FER_MODELS_DIR", "models"),
        ("FER_RUNS_DIR", "runs"),
        ("FER_DATA_DIR", "data"),
    ):
        monkeypatch.setenv(variable, str(hostile_folder / name))
    return hostile_folder


def _usable(page: str, **state: object) -> AppTest:
    begun = time.monotonic()
    app = open_page(page, **state)
    assert not app.exception, (page, state, app.exception[0].message, app.exception[0].stack_trace[-5:])
    took = time.monotonic() - begun
    assert took < _SECONDS, (page, state, took)
    for box in [*app.error, *app.warning]:
        assert len(box.value) < 1500 and "\n" not in box.value, (page, state, box.value[:300])
    return app


def test_the_list_of_models_shows_what_can_be_shown(hostile: Path) -> None:
    names = {bundle.path.name for bundle in own_models()}
    assert "good" in names and len(names) > 12
    refused = set(CARDS) - names
    assert {
        "long-label",
        "many-labels",
        "equal-labels",
        "turned-labels",
        "deep",
        "nested",
        "large",
    } <= refused
    for name in refused:
        with pytest.raises(ModelError) as error:
            read_bundle(hostile / "models" / name)
        assert len(str(error.value)) < 600 and "\n" not in str(error.value)
    _usable("models")


def test_each_model_that_is_listed_can_be_opened(hostile: Path) -> None:
    for bundle in own_models():
        app = _usable("models", models_view="One model", model_path=str(bundle.path))
        assert app.selectbox(key="model").value == bundle.path.name
    for name in ("lying-network", "other-labels", "markup-labels"):
        for page in ("evaluate", "predict"):
            _usable(page, model_path=str(hostile / "models" / name), data_source="synthetic:70")


def test_the_train_page_shows_the_runs_and_compares_them(hostile: Path) -> None:
    app = _usable("train", train_view="Runs", data_source="synthetic:70")
    shown = app.dataframe[0].value
    assert len(shown) == len(RUNS) + 1 and "good" in list(shown["Run"])
    everything = {"selection": {"rows": list(range(len(shown))), "columns": [], "cells": []}}
    for compare in ("Curves", "Settings", "Parallel coordinates"):
        _usable("train", train_view="Runs", runs_table=everything, runs_compare=compare)
    for view in ("Set up", "Sweeps"):
        _usable("train", train_view=view, data_source="synthetic:70")


@pytest.mark.parametrize("name", RUNS)
def test_one_run_can_be_watched(folders: Path, name: str) -> None:
    file, content = RUNS[name]
    run = made_run(folders / "runs", name)
    (run.path / file).write_bytes(content)
    look = {"status.json": "Settings", "watch.records": "Faces", "log.txt": "Log"}.get(file, "Curves")
    _usable("train", train_view="Watch", train_run=name, watch_view=look)


def _evaluation(**changes: Any) -> bytes:
    count = 5
    arrays: dict[str, Any] = {
        "labels": np.array(NAMES),
        "probabilities": np.full((count, 7), 1 / 7, np.float32),
        "true": np.arange(count),
        "rows": np.arange(count),
        "leaked": np.zeros(count, bool),
        **{name: np.zeros(count, np.float32) for name in ("brightness", "contrast", "sharpness")},
    }
    meta = {"version": 1, "model_hash": record.model_hash(find_bundle("tiny")), "source": "fer.csv"}
    meta |= {"model": "m", "split": "test", "tta": "none", "fingerprint": "00ff"}
    meta |= changes.pop("meta", {})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.array(json.dumps(meta)), **arrays | changes)
    return buffer.getvalue()


def test_evaluations_with_impossible_values_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(MODELS_DIR / "tiny", tmp_path / "model", ignore=shutil.ignore_patterns(record.FOLDER))
    folder = tmp_path / "model" / record.FOLDER
    folder.mkdir()
    bad = [
        {"probabilities": np.full((5, 7), np.nan, np.float32)},
        {"probabilities": np.full((5, 7), 3, np.float32)},
        {"probabilities": np.zeros((5, 7), "U3")},
        {"true": np.full(5, 7)},
        {"true": np.full(5, -1)},
        {"true": np.zeros(5, np.float32)},
        {"true": np.array(3)},
        {"rows": np.zeros((5, 2), int)},
        {"leaked": np.zeros(4, bool)},
        {"votes": np.zeros((5, 3), np.uint8)},
        {"brightness": np.full(5, np.inf, np.float32)},
        {"labels": np.array([LONG] * 7)},
        {"labels": np.array(7)},
        {"meta": {"split": 3}},
        {"meta": {"source": [["x"] * 99]}},
    ]
    for number, changes in enumerate(bad):
        (folder / f"bad-{number}.npz").write_bytes(_evaluation(**changes))
    (folder / "deep.npz").write_bytes(_evaluation(meta={"source": json.loads(NESTED)}))
    monkeypatch.setattr(storage, "_ARRAY_BYTES", 10**6)  # in place of two gigabytes
    (folder / "bomb.npz").write_bytes(_evaluation(votes=np.zeros((10**6, 10), np.uint8)))
    (folder / "endless.npz").symlink_to("/dev/zero")
    (folder / "good.npz").write_bytes(_evaluation())
    assert [found.fingerprint for found in record.stored(read_bundle(tmp_path / "model"))] == ["00ff"]


RECIPES: dict[str, Any] = {
    "rows": {"drop": {"9" * 400: "x"}, "relabel": {}},
    "many": {"drop": {str(number): "x" for number in range(200_000)}},
    "label": {"relabel": {"1": LONG}},
    "source": {"source": LONG},
    "turned": {"source": TURNED, "fingerprint": HALF},
    "itself": {"source": "itself.recipe.json"},
    "null": {"source": "a\0b"},
}


def test_variants_cost_a_sentence_at_most(folders: Path) -> None:
    data = folders / "data"
    data.mkdir()
    good = {"format": FORMAT, "source": "synthetic:70", "fingerprint": "00ff", "drop": {}, "relabel": {}}
    for name, changes in RECIPES.items():
        (data / f"{name}{SUFFIX}").write_text(json.dumps(good | changes))
    (data / f"deep{SUFFIX}").write_text(DEEP)
    (data / f"nested{SUFFIX}").write_text(f'{{"format": "{FORMAT}", "drop": {NESTED}}}')
    (data / f"endless{SUFFIX}").symlink_to("/dev/zero")
    for name in [*RECIPES, "deep", "nested", "endless"]:
        _usable("dataset", data_source=str(data / f"{name}{SUFFIX}"))
