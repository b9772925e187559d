"""The Models page: missing figures are never 0, boards are separate, a bad card is one sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fer_core import storage
from fer_core.bundles.bundle import CARD, INFERENCE, KERAS, find_bundle, read_bundle, shipped
from fer_core.config import RunConfig
from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from fer_core.errors import ModelError
from fer_core.evaluation.latency import latency
from fer_core.evaluation.scoring import score
from fer_core.runs.run_folder import RunFolder
from pages.views.models import speed_plot
from tests.pages.conftest import ROOT, open_page
from tests.pages.test_pages import texts

pytestmark = pytest.mark.long

PAGE = "models"
FIGURES = {
    "accuracy": 0.71,
    "accuracy_ci95": [0.695, 0.725],
    "accuracy_without_leaked": 0.70,
    "macro_f1": 0.69,
    "calibration_error": 0.02,
    "count": 3589,
    "per_class": {},
}
LAYERS = [
    {"name": "image", "type": "InputLayer", "output": [48, 48, 1], "parameters": 0, "multiply_adds": 0},
    {
        "name": "stem_conv",
        "type": "Conv2D",
        "output": [24, 24, 32],
        "parameters": 288,
        "multiply_adds": 165888,
    },
    {"name": "predictions", "type": "Dense", "output": [7], "parameters": 1799, "multiply_adds": 1792},
]


def add_run(folders: Path, name: str, card: Any, inference: bool = True) -> Path:
    """Add a finished run with the files of the shipped model and this card (a dict, or a damaged text)."""
    run = RunFolder(folders / "runs" / name)
    run.create(RunConfig(preset="baseline-deep"))
    run.write_status("finished")
    run.bundle.mkdir()
    shipped = find_bundle()
    shutil.copy(shipped.keras_file, run.bundle / KERAS)
    if inference:
        shutil.copy(shipped.inference_file, run.bundle / INFERENCE)
    (run.bundle / CARD).write_text(card if isinstance(card, str) else json.dumps(card))
    return run.bundle


def whole_card(**more: Any) -> dict[str, Any]:
    history = [
        {
            "epoch": i,
            "loss": 1.0,
            "accuracy": 0.2 * i,
            "val_loss": 1.0,
            "val_accuracy": 0.19 * i,
            "best": True,
        }
        for i in (1, 2, 3)
    ]
    return {
        "name": "mine",
        "labels": list(NAMES),
        "truth": "labels",
        "parameters": 2087,
        "multiply_adds": 335360,
        "mirror": True,
        "temperature": 1.3,
        "quantisation": "int8",
        "data": find_bundle().card["data"],
        "training": {"epochs": 3, "seconds": 60, "history": history},
        "members": [],
        "figures": {"validation": FIGURES | {"accuracy": 0.70}, "test": FIGURES},
        "layers": LAYERS,
        "steps": {
            "accuracy_one_view": 0.68,
            "accuracy_before_quantisation": 0.705,
            "calibration_error_before_temperature": 0.06,
        },
    } | more


def one_model(bundle: Path) -> AppTest:
    """The page on one model, as the choice on another page leaves it."""
    return open_page(PAGE, models_view="One model", model_path=str(bundle))


def board(app: AppTest, number: int = 0) -> pd.DataFrame:
    return app.dataframe[number].value.set_index("Model")


def test_the_shipped_models_have_their_scores_and_claims(folders: Path) -> None:
    app = open_page(PAGE)
    assert not app.exception and not app.error and not app.warning
    assert [s.value for s in app.subheader] == [
        "Which model for what",
        "Scoreboard",
        "Claimed against measured",
        "Size, speed and accuracy",
    ]
    assert "Against the FER2013 labels" in texts(app) and len(app.get("plotly_chart")) >= 3
    row = board(app).loc[find_bundle().path.name]
    assert (
        row["Test"] == pytest.approx(100 * find_bundle().card["figures"]["test"]["accuracy"])
        and row["One image"] > 0
    )
    assert "claimed about 70%, measured" in texts(app)


def test_the_scoreboard_counts_how_often_a_models_test_split_was_used(folders: Path) -> None:
    """Those of its own data: the looks that stand in its card, and those of this machine."""
    before = board(open_page(PAGE)).loc["standard", "Test uses"]
    assert before >= find_bundle().card["figures"]["test"]["uses"] >= 1
    score(find_bundle(), open_dataset("synthetic:70"), "test", save=False)
    assert board(open_page(PAGE)).loc["standard", "Test uses"] == before
    line = {"model": "standard", "fingerprint": find_bundle().card["data"]["fingerprint"], "tta": "none"}
    with open(storage.record_folder() / "test-uses.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")
    assert board(open_page(PAGE)).loc["standard", "Test uses"] == before + 1


def test_whose_curve_it_is_is_said_where_it_is_not_the_models_own(folders: Path) -> None:
    """`ferplus` came from one training with `standard`, of which the curve is."""
    captions = [caption.value for caption in one_model(find_bundle("ferplus").path).caption]
    assert any("the curve is of its output for the labels" in caption for caption in captions)


def test_what_was_not_measured_is_missing_and_not_zero(folders: Path) -> None:
    add_run(folders, "untested", whole_card(figures={"validation": FIGURES}))
    row = board(open_page(PAGE)).loc["untested"]
    assert row["Validation"] == 71
    assert all(
        pd.isna(row[column])
        for column in ("Test", "95% interval", "Without copies", "Macro F1", "Calibration error")
    )


def test_models_that_cannot_be_compared_stand_apart(folders: Path) -> None:
    add_run(
        folders,
        "for-votes",
        whole_card(truth="votes", figures={"test": FIGURES, "test@labels": FIGURES | {"accuracy": 0.66}}),
    )
    add_run(folders, "other-faces", whole_card(data={"source": "synthetic:350", "fingerprint": "0"}))
    app = open_page(PAGE)
    labels, votes, other = board(app, 0), board(app, 1), board(app, 2)
    assert labels.loc["for-votes", "Test"] == 66 and votes.loc["for-votes", "Test"] == 71
    assert (
        "for-votes" in votes.index
        and "mine" not in votes.index
        and list(other.index) == ["other-faces"]
        and other.loc["other-faces", "Data"] == "synthetic:350"
    )
    assert "do not compare them" in texts(app)


def test_a_run_named_like_a_shipped_model_can_be_told_from_it(folders: Path) -> None:
    name = find_bundle().path.name
    add_run(folders, name, whole_card())
    assert {name, f"{name} (run)"} <= set(board(open_page(PAGE)).index)


def test_one_model_shows_card_curve_steps_and_layers(folders: Path) -> None:
    app = one_model(add_run(folders, "mine", whole_card()))
    assert not app.exception and not app.error and app.selectbox(key="model").value == "mine"
    assert "### Model details" not in texts(app).splitlines() and "##### Model details" in texts(app)
    assert "3 layers" in texts(app) and "2,087 parameters" in texts(app) and "335,360" in texts(app)
    steps, layers = (app.dataframe[i].value for i in (0, 1))
    assert list(steps["Change"]) == ["+2.50 points", "-0.50 points", "-4.00 points"]
    assert list(layers["Output"]) == ["48 x 48 x 1", "24 x 24 x 32", "7"] and list(
        layers["Multiply-adds"]
    ) == [0, 165888, 1792]
    app.toggle(key="models_learned").set_value(True).run()
    assert list(app.dataframe[1].value["Layer"]) == ["stem_conv", "predictions"]


def test_an_ensemble_shows_each_of_its_networks(folders: Path) -> None:
    member = {"preset": "large", "training": whole_card()["training"], "validation_accuracy": 0.7}
    layers = [layer | {"name": f"network_{i}/{layer['name']}"} for i in (1, 2) for layer in LAYERS]
    card = whole_card(
        members=[member | {"name": "a", "seed": 0}, member | {"name": "b", "seed": 1}], layers=layers
    )
    app = one_model(add_run(folders, "both", card))
    assert not app.exception and list(app.dataframe[0].value["Network"]) == ["1: a", "2: b"]
    assert len(app.dataframe[2].value) == 3
    app.segmented_control(key="models_network_both").set_value("network_2").run()
    assert not app.exception and len(app.dataframe[2].value) == 3


@pytest.mark.parametrize(
    "card",
    [
        {"labels": list(NAMES)},
        {"labels": list(NAMES), "figures": {"test": {"accuracy": 0.7}}},
        {
            "labels": list(NAMES),
            "figures": {"test": {"accuracy": "high", "accuracy_ci95": 3}, "validation": 7},
            "data": {"source": 5},
            "training": {"history": "none"},
            "members": 3,
            "steps": [],
            "layers": [1, {"name": 3}],
            "parameters": "many",
            "mirror": "yes",
        },
        whole_card()
        | {
            "members": [{}, {"training": 1, "seed": "x"}],
            "layers": [],
            "figures": {"test": FIGURES | {"per_class": None}},
        },
    ],
)
def test_a_card_that_lacks_keys_does_not_break_the_page(folders: Path, card: dict[str, Any]) -> None:
    bundle = add_run(folders, "foreign", card)
    for app in (open_page(PAGE), one_model(bundle)):
        assert not app.exception and not app.error
    assert "written by an older version" in texts(app) or "layers" in texts(app)


def test_a_damaged_card_is_one_sentence_and_the_others_are_there(folders: Path) -> None:
    add_run(folders, "broken", "{")
    app = open_page(PAGE)
    assert not app.exception and "broken" in app.warning[0].value and "broken" not in board(app).index


def test_a_bundle_without_inference_file_says_so_and_keeps_the_rest(folders: Path) -> None:
    bundle = add_run(folders, "keras-only", whole_card(), inference=False)
    app = open_page(PAGE)
    assert pd.isna(board(app).loc["keras-only", "One image"]) and pd.isna(
        board(app).loc["keras-only", "File"]
    )
    app = one_model(bundle)
    assert not app.exception and "has no inference file" in app.warning[0].value
    assert len(app.get("download_button")) == 3  # Keras, and the card twice
    with pytest.raises(ModelError, match="has no inference file"):
        latency(read_bundle(bundle))


def test_onnx_is_made_when_asked_for(folders: Path) -> None:
    app = one_model(add_run(folders, "mine", whole_card()))
    before = len(app.get("download_button"))
    app.button(key="models_make_onnx").click().run(timeout=240)
    assert not app.exception and not app.error
    assert len(app.get("download_button")) == before + 1


def test_onnx_of_a_damaged_model_is_one_sentence(folders: Path) -> None:
    bundle = add_run(folders, "damaged", whole_card())
    (bundle / KERAS).write_bytes(b"nothing")
    app = one_model(bundle)
    app.button(key="models_make_onnx").click().run(timeout=240)
    (error,) = app.error
    assert (
        not app.exception
        and error.value.startswith("The conversion to ONNX failed: ")
        and "cannot be read as a Keras model" in error.value
    )


def test_latency_is_a_time_for_one_image() -> None:
    assert 0 < latency(find_bundle(), seconds=0.01) < 1000


def test_the_page_needs_no_tensorflow(folders: Path) -> None:
    code = (
        "import sys; from tests.pages.conftest import open_page;"
        "apps = [open_page('models'), open_page('models', models_view='One model')];"
        "assert not any(app.exception for app in apps);"
        "print([name for name in ('tensorflow', 'keras', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_shipped_model_has_its_purpose_in_a_sentence() -> None:
    read = texts(open_page(PAGE))
    for bundle in shipped():
        assert f"- **{bundle.path.name}**: " in read


def test_a_logarithmic_axis_has_round_numbers() -> None:
    assert {"0.2", "0.5", "1", "2"} <= set(speed_plot._LOG_TICKS["ticktext"])
