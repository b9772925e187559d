"""The views of the Evaluate page that show figures, without a browser: what they say is what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as reference
from streamlit.testing.v1 import AppTest

from fer_core.bundles import bundle as bundles
from fer_core.data import Dataset, open_dataset
from fer_core.data.votes import read_votes
from fer_core.evaluation.comparison import compare_records
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import score
from pages.views.evaluate.quiz import FACES, draw
from tests.pages.conftest import open_page
from tests.pages.dataset_view import grids, run, texts, wait

pytestmark = pytest.mark.long

SYNTHETIC = "synthetic:1400:31"


def view(name: str, source: Path | str, **state: object) -> AppTest:
    app = open_page("evaluate", data_source=str(source), evaluate_view=name, **state)
    assert not app.exception and not app.error
    return app


def answers(source: Path | str, model: str = "standard") -> EvaluationRecord:
    return score(bundles.find_bundle(model), open_dataset(source), "validation", save=False).record


def table(app: AppTest, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value)


@pytest.fixture(scope="module")
def data(voted: Path) -> Dataset:
    return open_dataset(voted)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_EXPLORER_HOME", str(tmp_path / "home"))


def test_classes_are_told_with_scikit_learns_figures(folders: Path) -> None:
    app, record = view("Classes", SYNTHETIC), answers(SYNTHETIC)
    found = table(app, "Precision")
    expected = reference.precision_recall_fscore_support(
        record.true, record.predicted, labels=range(7), zero_division=0
    )
    for column, values in zip(("Precision", "Recall", "F1"), expected, strict=False):
        assert np.allclose(found[column], 100 * values)
        ends = [tuple(map(int, text.split(" to "))) for text in found[f"{column} 95%"]]
        assert all(
            low - 1 <= value <= high + 1 and low < high
            for (low, high), value in zip(ends, found[column], strict=True)
        )
    assert list(found["Images"]) == list(expected[3])
    two = reference.top_k_accuracy_score(record.true, record.probabilities, k=2)
    assert f"Top-2 accuracy **{two:.1%}**" in texts(app)
    assert len(app.get("plotly_chart")) == 2
    area = reference.roc_auc_score(np.eye(7)[record.true], record.probabilities, average="macro")
    assert f"mean area {area:.3f}" in texts(app)
    matrix = reference.confusion_matrix(record.true, record.predicted)
    off = matrix - np.diag(np.diag(matrix))
    worst = int((off + off.T).max())
    assert f": {worst} errors, {worst / off.sum():.0%} of all." in texts(app)


def test_a_threshold_says_what_it_costs_and_predict_has_the_same(folders: Path) -> None:
    app, record = view("Trust", SYNTHETIC), answers(SYNTHETIC)
    confidence, right = record.probabilities.max(axis=1), record.predicted == record.true
    for percent in (60, 80):
        run(app.slider(key="unsure_below").set_value(percent))
        sure = confidence >= percent / 100
        assert (
            f"Unsure below {percent}%: {sure.mean():.0%} of faces answered, "
            f"{right[sure].mean():.0%} of them right" in texts(app)
        )
    run(app.switch_page("pages/models.py"))  # AppTest cleans up after a page, a browser before the next one
    run(app.switch_page("pages/predict.py"))
    assert app.slider(key="unsure_below").value == 80 and app.query_params["unsure_below"] == "80"


def test_a_link_names_the_threshold(folders: Path) -> None:
    address = {"evaluate_view": "Trust", "unsure_below": "75"}
    app = open_page("evaluate", address, data_source=SYNTHETIC)
    assert not app.exception
    assert app.slider(key="unsure_below").value == 75 and "Unsure below 75%:" in texts(app)


def test_a_shipped_model_is_shown_with_and_without_its_temperature(folders: Path) -> None:
    app, record = view("Trust", SYNTHETIC), answers(SYNTHETIC)
    temperature = bundles.find_bundle("standard").card["temperature"]
    raw = record.probabilities.astype(np.float64) ** temperature
    raw /= raw.sum(axis=1, keepdims=True)
    assert f"temperature is **{temperature:.2f}**" in texts(app)
    match = re.search(r"cross-entropy \(([\d.]+) without, ([\d.]+) with\)", texts(app))
    assert match is not None
    assert float(match[1]) == pytest.approx(reference.log_loss(record.true, raw, labels=range(7)), abs=6e-4)
    assert float(match[2]) == pytest.approx(
        reference.log_loss(record.true, record.probabilities, labels=range(7)), abs=6e-4
    )


def test_another_model_is_compared_in_words_and_faces(folders: Path) -> None:
    app = view("Compare", SYNTHETIC)
    mine, other = answers(SYNTHETIC), answers(SYNTHETIC, "best")
    found = compare_records(mine, other)
    assert found.sentence("standard", "best") in texts(app)
    rows = table(app, "Verdict")
    assert list(rows["Model"]) == ["standard", "best"]
    assert np.allclose(rows["Accuracy"], [100 * found.accuracy_a, 100 * found.accuracy_b])
    ids = [face["id"] for face in grids_of_faces(app)[0]]
    validation = open_dataset(SYNTHETIC).indices("validation")
    assert set(ids) <= set(validation[found.only_b]) and len(ids) == min(24, len(found.only_b))
    key = "evaluate_differ_standard_best"
    run(app.pills(key=key).set_value("Only standard right"))
    assert {face["id"] for face in grids_of_faces(app)[0]} <= set(validation[found.only_a])
    run(app.multiselect(key="evaluate_others").set_value([]))
    assert "All models are measured on the same images" in texts(app)


def grids_of_faces(app: AppTest) -> list[list[dict[str, object]]]:
    """The faces of all lists; the matrix is such an element too."""
    return [
        data["faces"]
        for grid in app.get("bidi_component")
        if "faces" in (data := json.loads(grid.proto.json))
    ]


def test_people_are_told_beside_model_and_labels(folders: Path, voted: Path, data: Dataset) -> None:
    """Eight of ten voters chose the class after the label, except on seven images without a majority."""
    app = view("People", voted)
    record = answers(voted)
    agreed = (read_votes(voted.parent / "fer2013new.csv", data).majority() >= 0)[data.indices("validation")]
    sides = {
        "the voters": record.predicted == (record.true + 1) % 7,
        "the label": record.predicted == record.true,
    }
    assert "Measured on the 28 of 35 images" in texts(
        app
    ) and "For 28 images, most votes are for another class" in texts(app)
    alt_texts = " ".join(chart.proto.alt for chart in app.get("plotly_chart"))
    for side, hits in sides.items():
        assert f"with {side}: {hits[agreed].mean():.1%} (" in alt_texts
    assert "Votes and labels agree on 0.0% (" in alt_texts
    assert len(grids_of_faces(app)[0]) == 24
    voters = next(grid for grid in app.get("bidi_component") if "rowLabels" in grid.proto.json)
    shown = json.loads(voters.proto.json)["shown"]
    assert all(shown[i][(i + 1) % 7] == "4" for i in range(7)), (
        "of five validation images of each class one has a tie"
    )


def test_people_need_votes_and_the_quiz_needs_images_only(folders: Path) -> None:
    app = view("People", SYNTHETIC)
    assert "no FER+ votes" in texts(app) and app.button(key="evaluate_quiz_start")


def test_a_quiz_tells_nothing_before_its_end_and_then_counts_right(folders: Path) -> None:
    app, record = view("People", SYNTHETIC), answers(SYNTHETIC)
    run(app.button(key="evaluate_quiz_start").click())
    asked = app.session_state["evaluate_quiz"].positions
    assert len(asked) == FACES == len(set(asked)) and np.bincount(record.true[asked], minlength=7).min() == 4
    quiz_answers = record.true[asked].copy()
    quiz_answers[:6] = (quiz_answers[:6] + 1) % 7  # six are wrong
    run(app.button(key=f"evaluate_quiz_{record.labels[(quiz_answers[0] + 2) % 7]}").click())
    run(app.button(key="evaluate_quiz_undo").click())
    for turn, label in enumerate(quiz_answers):
        progress = app.main.get("progress")[0].proto.text if app.main.get("progress") else ""
        assert f"Face {turn + 1} of 30" in progress and "right" not in texts(app).lower()
        run(app.button(key=f"evaluate_quiz_{record.labels[label]}").click())
    model = int((record.predicted[asked] == record.true[asked]).sum())
    metrics = {metric.label: metric.value for metric in app.metric}
    assert (
        metrics["You"] == "24 of 30" and metrics["standard"] == f"{model} of 30" and "Voters" not in metrics
    )
    ids = [face["id"] for face in grids(app)[0]]
    wrong = (quiz_answers != record.true[asked]) | (record.predicted[asked] != record.true[asked])
    assert ids == list(open_dataset(SYNTHETIC).indices("validation")[asked[wrong]])
    run(app.button(key="evaluate_quiz_end").click())
    assert "evaluate_quiz" not in app.session_state


def test_every_quiz_has_other_faces_and_small_classes_too() -> None:
    true = np.repeat([0, 1, 2, 3], [500, 400, 3, 20])
    first, second = draw(true, 4, 30, 1), draw(true, 4, 30, 2)
    assert np.array_equal(first, draw(true, 4, 30, 1)) and set(first) != set(second)
    assert np.bincount(true[first]).tolist() == [9, 9, 3, 9] and len(set(first)) == 30
    assert len(draw(true[:10], 4, 30, 0)) == 10


def test_slices_come_worst_first_with_their_faces(folders: Path) -> None:
    app, record = view("Slices", SYNTHETIC), answers(SYNTHETIC)
    rows = table(app, "Slice")
    assert len(rows) == 15 and rows["Accuracy"].is_monotonic_increasing
    name = next(name for name in rows["Slice"] if name.startswith("darkest fifth"))
    run(app.selectbox(key="evaluate_slice").set_value(name))
    dark = np.flatnonzero(record.brightness < np.quantile(record.brightness.astype(np.float64), 0.2))
    right = record.true == record.predicted
    assert float(rows["Accuracy"][rows["Slice"] == name].iloc[0]) == pytest.approx(100 * right[dark].mean())
    shown = [face["id"] for face in grids_of_faces(app)[0]]
    validation = open_dataset(SYNTHETIC).indices("validation")
    wrong = set(validation[dark[~right[dark]]])
    assert set(shown) <= set(validation[dark]) and set(shown[: len(wrong)]) <= wrong


def test_the_size_of_faces_is_measured_on_a_click(folders: Path) -> None:
    app = view("Slices", SYNTHETIC)
    assert "face size" not in set(table(app, "Slice")["By"])
    run(app.button(key="evaluate_face_sizes").click())
    wait()
    run(app)
    assert (
        "face size" in set(table(app, "Slice")["By"])
        or "about the same face size" in texts(app)
        or "no face found" in texts(app).lower()
    )
    assert not [button for button in app.button if button.key == "evaluate_face_sizes"]


@pytest.mark.parametrize("name", ["Classes", "Trust", "Compare", "People", "Slices"])
def test_views_open_on_a_handful_of_faces(folders: Path, voted: Path, name: str) -> None:
    app = view(name, voted)
    if name == "Slices":
        assert "too few images" in texts(app)


@pytest.mark.parametrize("name", ["Classes", "Trust", "Compare", "People"])
def test_views_take_the_voters_for_the_truth(folders: Path, voted: Path, name: str) -> None:
    app = view(name, voted)
    run(app.segmented_control(key="evaluate_truth_Labels").set_value("FER+ votes"))
    assert not app.error and "with a majority of FER+ votes" in texts(app)
    if name == "People":
        assert "Measured on the 28 of 28 images" in texts(
            app
        ) and "For 28 images, most votes are for another class than the label" in texts(app)
