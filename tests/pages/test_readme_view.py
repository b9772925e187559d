"""Repeat the README: claim, measurement, gap, and a run whose curve is drawn over the one of the card."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.presets import PRESETS, card, cards
from fer_core.runs import queue
from fer_core.runs.run_folder import RunFolder, list_runs
from pages.views.train import readme
from tests.pages.conftest import open_page
from tests.pages.made_runs import finish_epochs
from tests.pages.test_pages import texts

pytestmark = pytest.mark.long

SOURCE = "synthetic:70"


@pytest.fixture(autouse=True)
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """The runs that would be trained."""
    runs: list[RunFolder] = []
    monkeypatch.setattr(queue, "submit", runs.append)
    return runs


def view(preset: str = "baseline-deep") -> AppTest:
    app = open_page("train", train_view="Repeat the README", data_source=SOURCE)
    app.selectbox(key="readme_preset").set_value(preset).run()
    assert not app.exception and not app.error
    return app


def lines(app: AppTest) -> dict[str, int]:
    """The points of each line by its name."""
    (chart,) = app.get("plotly_chart")
    return {
        line["name"]: len(np.frombuffer(base64.b64decode(line["x"]["bdata"]), line["x"]["dtype"]))
        for line in json.loads(chart.proto.spec)["data"]
    }


@pytest.mark.parametrize("preset", readme.PUBLISHED)
def test_every_published_network_has_its_claim_its_figure_and_the_gap(folders: Path, preset: str) -> None:
    preset_card, read = card(PRESETS[preset]), texts(view(preset))
    assert (preset_card["claim"] or "No figure") in read and preset_card["data_form"] in read
    assert f"**{preset_card['measured']['accuracy']:.1%}** of FER2013's PrivateTest" in read
    for reason in ("Epochs", "Split", "Selection"):
        assert f"**{reason}.**" in read


@pytest.mark.parametrize("preset", ["baseline-deep", "baseline-weighted-s"])
def test_the_matrix_of_a_shipped_network_is_clicked_without_data_and_training(
    folders: Path, preset: str
) -> None:
    (link,) = [link for link in view(preset).get("page_link") if "errors" in link.proto.label]
    assert link.proto.query_string == f"model={preset}"
    app = open_page("evaluate", {"model": preset})
    accuracy = next(metric for metric in app.metric if metric.label == "Accuracy")
    assert not app.exception and not app.error
    assert accuracy.value == f"{card_figures(preset)['accuracy']:.1%}"


def card_figures(preset: str) -> dict[str, Any]:
    return next(cards(preset))["figures"]["validation"]


def test_a_run_is_drawn_over_the_curve_of_the_card(
    folders: Path, submitted: list[RunFolder], labels_run: Path
) -> None:
    app = view()
    kept = lines(app)
    assert list(kept) == ["kept with the card"] and kept["kept with the card"] == 10
    app.number_input(key="readme_epochs_baseline-deep").set_value(3).run()
    app.button(key="readme_start").click().run()
    (run,) = submitted
    config = run.config()
    published = PRESETS["baseline-deep"].config
    assert config == published.replace("data", source=SOURCE).replace("train", epochs=3)
    finish_epochs(run, 3)
    shutil.copytree(labels_run / "bundle", run.bundle)
    run.write_status("finished")
    app = view()
    assert lines(app) == kept | {"your run": 3}
    (link,) = [link for link in app.get("page_link") if "confusion matrix" in link.proto.label]
    assert f"model={run.name}" in link.proto.query_string and "source=" in link.proto.query_string
    app.button(key="readme_watch").click().run()
    assert app.session_state["train_view"] == "Watch" and app.session_state["train_run"] == run.name
    assert lines(view("baseline-dropout")).keys() == {"kept with the card"}
    assert [each.name for each in list_runs(folders / "runs")] == [run.name]


def test_the_start_page_leads_there(folders: Path) -> None:
    (link,) = [link for link in open_page().get("page_link") if "Repeat the README" in link.proto.label]
    app = open_page()
    for pair in link.proto.query_string.split("&"):
        name, value = pair.split("=")
        app.query_params[name] = value.replace("+", " ").replace("%20", " ")
    app.switch_page("pages/train.py").run()
    assert not app.exception and "Where a gap comes from" in texts(app)
