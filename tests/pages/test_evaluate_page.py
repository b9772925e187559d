"""The Evaluate page without a browser: selection, matrix, faces, and saved figures without images."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from streamlit.testing.v1 import AppTest

from fer_core.bundles import bundle as bundles
from fer_core.bundles.bundle import find_bundle, read_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.evaluation import record as records
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import score
from fer_core.metrics.classification import confusion
from pages.views.evaluate import downloads
from pages.widgets import class_matrix
from tests.pages.conftest import ROOT, open_page, reloaded
from tests.pages.dataset_view import run, texts, wait
from tests.pages.evaluate_view import components, faces, figures, matrix, view

pytestmark = pytest.mark.long

SOURCE = "synthetic:350:21"
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(SOURCE)


@pytest.fixture(scope="module")
def answers(data: Dataset) -> EvaluationRecord:
    """Of the default model on the validation images."""
    return score(find_bundle("standard"), data, "validation", save=False).record


@pytest.fixture
def mine(folders: Path, labels_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundle of a model of one's own, called mine, which was trained on the tiny faces with votes."""
    monkeypatch.setenv("FER_MODELS_DIR", str(folders / "models"))
    shutil.copytree(labels_run / "bundle", folders / "models" / "mine")
    return folders / "models" / "mine"


def test_the_matrix_counts_what_the_model_answered_and_says_it_in_words(
    folders: Path, answers: EvaluationRecord
) -> None:
    app = view("Matrix", SOURCE)
    expected = confusion(answers.true, answers.predicted, 7)
    drawn = matrix(app)
    assert drawn["rows"] == drawn["columns"] == list(NAMES)
    assert drawn["shown"] == [[f"{n:,}" for n in row] for row in expected]
    count, of_row, of_column = (
        expected[4, 2],
        expected[4, 2] / expected[4].sum(),
        expected[4, 2] / expected[:, 2].sum(),
    )
    assert drawn["labels"][4][2].startswith(f"true sad, predicted fear: {count} face")
    assert f"{of_row:.1%} of true sad, {of_column:.1%} of predicted fear" in drawn["labels"][4][2]
    app.segmented_control(key="evaluate_cells").set_value("By column")
    run(app)
    assert matrix(app)["shown"][4][2] == f"{of_column:.0%}"
    app.segmented_control(key="evaluate_cells").set_value("By row")
    run(app)
    assert matrix(app)["shown"][4][2] == f"{of_row:.0%}"


@pytest.mark.parametrize(
    ("cell", "title", "wanted"),
    [
        (
            "fear-surprise",
            "True fear, predicted surprise",
            lambda true, predicted: (true == 2) & (predicted == 5),
        ),
        ("sad-*", "True sad", lambda true, predicted: true == 4),
        ("*-fear", "Predicted fear", lambda true, predicted: predicted == 2),
        ("sad-wrong", "All faces", lambda true, predicted: true != predicted),
        ("*-*", "All faces", lambda true, predicted: true != predicted),
    ],
)
def test_a_link_to_a_cell_shows_its_faces_the_most_confident_first(
    folders: Path, data: Dataset, answers: EvaluationRecord, cell: str, title: str, wanted
) -> None:
    app = view("Matrix", SOURCE, {"cell": cell})
    assert f"##### {title}\n" in texts(app) + "\n"
    selection = np.flatnonzero(wanted(answers.true, answers.predicted))
    order = selection[np.argsort(-answers.confidence[selection], kind="stable")]
    assert (
        len(order) and [face["id"] for face in faces(app)] == data.indices("validation")[order][:24].tolist()
    )
    first = faces(app)[0]
    assert first["label"] == NAMES[answers.true[order[0]]]
    assert first["notes"] == [f"→ {NAMES[answers.predicted[order[0]]]} {answers.confidence[order[0]]:.0%}"]


def test_two_models_differ_cell_by_cell(mine: Path, data: Dataset, answers: EvaluationRecord) -> None:
    app = view("Matrix", SOURCE, {"evaluate_cells": "Difference to"})
    app.selectbox(key="evaluate_other").set_value(str(mine))
    run(app)
    other = score(read_bundle(mine), data, "validation").record
    expected = confusion(other.true, other.predicted, 7) - confusion(answers.true, answers.predicted, 7)
    shown = [[f"{n:+,}" if n else "0" for n in row] for row in expected]
    assert matrix(app)["shown"] == shown and f"{other.model} minus standard" in texts(app)
    app.session_state["evaluate_others"] = [str(mine)]
    app.segmented_control(key="evaluate_view").set_value("Compare")
    run(app)
    assert matrix(app)["shown"] == shown, "both views subtract in the same order"


def test_colours_of_a_difference_say_better_or_worse() -> None:
    better = class_matrix.improvement(np.array([[4, -2], [1, -3]]))
    assert np.allclose(better, [[1, 0.5], [-0.25, -0.75]])


def test_predictions_have_measures_and_votes(
    folders: Path, voted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        downloads.st, "download_button", lambda label, data, *rest, **more: given.update({label: data})
    )
    view("Matrix", voted)
    table = pandas.read_csv(io.StringIO(given["Predictions"]()))
    record = score(find_bundle("standard"), open_dataset(voted), "validation", save=False).record
    assert np.allclose(table["brightness"], record.brightness, atol=0.01)
    assert record.votes is not None and (table["votes happiness"] == record.votes[:, 1]).all()
    assert list(table["row"]) == record.rows.tolist()


def test_kept_figures_are_shown_without_the_images(mine: Path, voted: Path) -> None:
    tiny = open_dataset(voted)
    there = score(read_bundle(mine), tiny, "test").evaluation
    score(read_bundle(mine), tiny, "validation")
    app = view("Matrix", SOURCE, {"evaluate_on": tiny.fingerprint}, model_path=str(mine))
    assert (
        figures(app)["Accuracy"] == f"{score(read_bundle(mine), tiny, 'validation').evaluation.accuracy:.1%}"
    )
    next(control for control in app.segmented_control if control.label == "Split").set_value("test")
    run(app)
    assert figures(app)["Accuracy"] == f"{there.accuracy:.1%}"
    assert figures(app)["Without copies"] == f"{there.accuracy_without_leaked:.1%}"
    assert matrix(app)["shown"] == [[f"{n:,}" for n in row] for row in there.confusion_matrix]
    wrong = there.count - int(np.trace(there.confusion_matrix))
    assert f"**{wrong} faces.** These are the figures of fer.csv that came with the model" in texts(app)
    # The voters' truth is in the file too.
    truth = next(control for control in app.segmented_control if control.label == "Compare with")
    truth.set_value("FER+ votes")
    run(app)
    assert "images of fer.csv with a majority of FER+ votes" in texts(app)


def test_the_command_for_the_shell_gives_the_same_figures(mine: Path, voted: Path) -> None:
    app = view("Matrix", voted, model_path=str(mine))
    (command,) = [code.value for code in app.code if "fer_core evaluate" in code.value]
    assert f"--model mine --data {voted} --split validation --truth labels" in command
    _, *words = shlex.split(command)
    done = subprocess.run([sys.executable, *words, "--json"], capture_output=True, text=True, cwd=ROOT)
    assert f"{json.loads(done.stdout)['accuracy']:.1%}" == figures(app)["Accuracy"]


def test_kept_figures_that_another_model_lacks_give_way_to_the_data_at_hand(mine: Path, voted: Path) -> None:
    score(read_bundle(mine), open_dataset(voted), "test")
    app = view("Matrix", SOURCE, {"evaluate_on": "0123456789abcdef"})
    assert app.selectbox(key="evaluate_on").value == "here" and not app.error
    assert "350 validation" not in texts(app) and "validation images of synthetic:350:21" in texts(app)


def test_many_faces_are_classified_beside_the_page(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.views.evaluate import selection

    monkeypatch.setattr(selection, "_AT_ONCE", 10)
    app = view("Matrix", "synthetic:140:22")
    assert not app.metric  # not yet
    wait()
    run(app)
    expected = score(
        find_bundle("standard"), open_dataset("synthetic:140:22"), "validation", save=False
    ).evaluation
    assert figures(app)["Accuracy"] == f"{expected.accuracy:.1%}"


def test_long_work_is_asked_for_says_how_long_and_can_be_cancelled(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.views.evaluate import selection

    begun, go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any, on_progress: Any, **options: Any) -> Any:
        begun.set()
        go_on.wait(30)
        return score(*arguments, on_progress=on_progress, **options)

    monkeypatch.setattr(selection, "_AT_ONCE", 10)
    monkeypatch.setattr(selection, "_ASK_SECONDS", 0.0)
    monkeypatch.setattr(selection, "_seconds_per_face", lambda *_: 2.0)
    monkeypatch.setattr(selection, "score", slow)
    app = view("Matrix", "synthetic:140:23")
    assert "standard has not classified the 14 faces of validation yet" in texts(app)
    assert "takes about 28 s" in texts(app) and not app.metric and not begun.is_set()
    start = next(button for button in app.button if button.label == "Classify them")
    run(start.click())
    assert begun.wait(30)
    run(next(button for button in app.button if button.label == "Cancel").click())
    go_on.set()
    wait()
    run(app)
    assert not app.metric, "a cancelled task leaves no figures"
    run(next(button for button in app.button if button.label == "Classify them").click())
    wait()
    run(app)
    assert figures(app)["Accuracy"]


def first_view(**address: str) -> AppTest:
    """The page as a new user opens it: nothing was chosen."""
    app = open_page("evaluate", address)
    assert not app.exception
    return app


def test_a_new_user_sees_the_models_own_figures_and_drawn_faces_only_when_chosen(folders: Path) -> None:
    app = first_view()
    assert figures(app)["Accuracy"] == "70.9%" and "fer2013.parquet" in texts(app)
    assert len(matrix(app)["rows"]) == 7 and "choose the data on the Dataset page" in texts(app)
    assert "source" not in app.query_params and not app.error
    app.selectbox(key="evaluate_on").set_value("here")
    run(app)
    assert "validation images of synthetic" in texts(app) and app.query_params["source"] == "synthetic"
    again = reloaded(app, "evaluate")
    assert figures(again) == figures(app) and again.selectbox(key="evaluate_on").value == "here"
    app = first_view()
    app.switch_page("pages/dataset.py").run()
    app.button(key="source_use_synthetic").click().run()
    run(app.switch_page("pages/evaluate.py"))
    assert "validation images of synthetic" in texts(app), "data that were chosen since are shown"


def test_fer2013_in_the_data_folder_is_shown_at_once(folders: Path, mine: Path, voted: Path) -> None:
    (folders / "data").mkdir()
    shutil.copy(voted, folders / "data" / "fer2013.csv")
    app = first_view()
    assert "images of fer2013.csv" in texts(app) and app.query_params["source"] == "fer2013.csv"
    assert faces(app), "the faces are here"
    # with other data chosen, the figures that came with a model lead to the faces
    kept = score(read_bundle(mine), open_dataset(folders / "data" / "fer2013.csv"), "validation").record
    app = view(
        "Matrix",
        SOURCE,
        {"evaluate_on": kept.fingerprint},
        model_path=str(mine),
        evaluate_verdict="Right",
    )
    run(app.button(key="evaluate_use_fer2013").click())
    assert faces(app) and "images of fer2013.csv" in texts(app)


def test_a_face_says_why(folders: Path, data: Dataset, answers: EvaluationRecord) -> None:
    row = int(answers.rows[3])
    app = view("Matrix", SOURCE, {"face": str(row)})
    assert f"Row {row:,}, validation" in texts(app) and "**standard predicts**" in texts(app)
    assert "4 of 35" in texts(app)
    train = int(data.rows[data.indices("train")[0]])
    app = view("Matrix", SOURCE, {"face": str(train)})
    assert f"do not include '{train}'" in texts(app)


def test_without_any_model_it_says_where_to_get_one(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MODELS_DIR", folders / "none")
    monkeypatch.setenv("FER_MODELS_DIR", str(folders / "none"))
    assert "There is no model yet" in view("Matrix", SOURCE).error[0].value


def test_shipped_models_bring_their_figures_on_fer2013() -> None:
    """A new user without the data sees where the models err."""
    for bundle in bundles.shipped():
        found = {
            (kept.source, kept.split)
            for kept in records.stored(bundle)
            if (bundle.path / records.FOLDER).is_dir()
        }
        assert {("fer2013.parquet", "validation"), ("fer2013.parquet", "test")} <= found, bundle.name


@pytest.mark.parametrize(
    "name", ["Matrix", "Classes", "Trust", "Compare", "People", "Slices", "What if", "Robustness"]
)
@pytest.mark.parametrize("truth", ["FER2013 labels", "FER+ votes"])
def test_every_view_works_on_kept_figures_without_the_images(folders: Path, name: str, truth: str) -> None:
    """As a new user sees the shipped models: FER2013 is not on the machine."""
    (fer2013,) = {
        kept.fingerprint
        for kept in records.stored(find_bundle("standard"))
        if kept.source == "fer2013.parquet"
    }
    app = view(name, SOURCE, {"evaluate_on": fer2013}, evaluate_truth_Labels=truth)
    assert (
        not app.error
        and figures(app)["Accuracy"] == {"FER2013 labels": "70.9%", "FER+ votes": "71.2%"}[truth]
    )
    if name != "What if":  # which takes drawn faces instead
        assert not any("faces" in data for data in components(app)), "faces of images that are not here"
    if name in ("Matrix", "Compare", "People", "Slices"):
        assert "not available here" in texts(app) or "choose the data on the Dataset page" in texts(app)
