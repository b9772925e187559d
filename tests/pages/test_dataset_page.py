"""The Dataset page without a browser: overview, filters, and one face with its verdicts."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles import bundle as bundles
from fer_core.data import SPLITS, Dataset, open_dataset
from fer_core.evaluation.scoring import score
from fer_core.quality.embedding import features
from fer_core.quality.neighbours import nearest
from fer_core.quality.verdicts import Verdicts
from tests import tiny
from tests.pages.dataset_view import grids, run, shown, texts, view, wait

VIEWS = ["Overview", "Gallery", "Votes", "Copies", "Label issues", "Map", "Verdicts"]


pytestmark = [pytest.mark.usefixtures("own_home"), pytest.mark.long]


@pytest.fixture(scope="module")
def data(voted: Path) -> Dataset:
    return open_dataset(voted)


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if none came with the program."""
    monkeypatch.setattr(bundles, "MODELS_DIR", tmp_path / "none")
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "none"))


# --- every view, whatever is there


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_opens_without_votes_and_without_a_model(folders: Path, no_model: None, name: str) -> None:
    app = view(name, "synthetic:100")
    assert not app.error
    if name == "Votes":
        assert "no FER+ votes" in texts(app) and "fer2013new.csv" in texts(app)
    if name in ("Label issues", "Copies"):
        assert "no model yet" in texts(app)


def test_overview_tells_counts_and_what_is_odd(folders: Path, voted: Path) -> None:
    app = view("Overview", voted)
    assert [(m.label, m.value) for m in app.metric] == [
        ("Images", "238"),
        ("Train", "168"),
        ("Validation", "35"),
        ("Test", "35"),
    ]
    assert "14 of 238 images are exact copies" in texts(
        app
    ) and "7 of 35 test images (20.0%) also occur in train" in texts(app)
    assert len(app.get("plotly_chart")) == 2
    app.button(key="dataset_see_Brightest first").click().run()
    assert (
        app.session_state["dataset_view"] == "Gallery"
        and app.selectbox(key="dataset_sort").value == "Brightest first"
    )


# --- gallery


def test_the_gallery_is_filtered_by_split_class_and_votes_together(
    folders: Path, voted: Path, data: Dataset
) -> None:
    app = view("Gallery", voted)
    assert shown(app) == list(range(60)) and "60 of 238 faces" in texts(app)
    app.segmented_control(key="dataset_split").set_value("validation")
    run(app.pills(key="dataset_agreement").set_value(["contested"]))
    assert shown(app) == list(tiny.TIES)
    run(app.pills(key="dataset_classes").set_value(["happy", "sad"]))
    assert shown(app) == [
        i for i in tiny.TIES if i % 7 in (3, 4)
    ] and "validation, happy or sad, contested" in texts(app)
    assert {face["label"] for face in grids(app)[0]} == {"happy", "sad"}
    run(app.button(key="dataset_reset").click())
    assert "60 of 238 faces" in texts(app)


def test_a_majority_that_is_no_class_disagrees_with_the_label(folders: Path, voted: Path) -> None:
    app = view("Gallery", voted)
    run(app.selectbox(key="dataset_majority").set_value("other"))
    assert shown(app) == [*tiny.NO_FACE, *tiny.UNKNOWN]
    run(app.pills(key="dataset_agreement").set_value(["voters disagree"]))
    assert shown(app) == [*tiny.NO_FACE, *tiny.UNKNOWN]
    run(app.pills(key="dataset_agreement").set_value(["voters agree"]))
    assert not app.get("bidi_component") and "No face passes these filters" in texts(app)


@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_light_is_a_range(folders: Path, voted: Path, data: Dataset, name: str) -> None:
    value = {"brightness": data.images.mean(axis=(1, 2)), "contrast": data.images.std(axis=(1, 2))}[name]
    low, high = int(np.quantile(value, 0.3)), int(np.quantile(value, 0.5))
    app = view("Gallery", voted)
    run(app.slider(key=f"dataset_{name}").set_value((low, high)))
    assert shown(app) == list(np.flatnonzero((value >= low) & (value <= high))[:60])


def test_faces_are_sorted_over_all_pages(folders: Path, voted: Path, data: Dataset) -> None:
    brightness = data.images.mean(axis=(1, 2))
    app = view("Gallery", voted)
    for order, sign in (("Darkest first", 1), ("Brightest first", -1)):
        run(app.selectbox(key="dataset_sort").set_value(order))
        assert np.allclose(brightness[shown(app)], np.sort(sign * brightness)[:60] * sign, atol=1e-3)
    run(app.selectbox(key="dataset_sort").set_value("Most contested votes first"))
    assert shown(app)[:7] == list(tiny.TIES) and grids(app)[0][0]["notes"][1] == "1.00 bits"


def test_a_link_shows_the_same_faces(folders: Path, voted: Path) -> None:
    link = {
        "dataset_split": "train",
        "dataset_agreement": ["voters disagree"],
        "dataset_sort": "Most blurred first",
        "dataset_page": "2",
    }
    app = view("Gallery", voted, link)
    assert (
        "60 of 168 faces: train, voters disagree" in texts(app)
        and app.selectbox(key="dataset_sort").value == "Most blurred first"
    )
    second = shown(app)
    again = view("Gallery", voted)
    again.segmented_control(key="dataset_split").set_value("train")
    again.pills(key="dataset_agreement").set_value(["voters disagree"])
    run(again.selectbox(key="dataset_sort").set_value("Most blurred first"))
    assert not set(shown(again)) & set(second)  # its first page
    run(app.pills(key="dataset_classes").set_value(["fear"]))
    assert "24 of 24 faces" in texts(app) and app.query_params.get("dataset_page") is None


def test_a_link_with_the_old_name_of_an_order_still_sorts(folders: Path, voted: Path) -> None:
    app = view("Gallery", voted, {"dataset_sort": "Least contrast first"})
    assert app.selectbox(key="dataset_sort").value == "Lowest contrast first"
    order = shown(app)
    run(app.selectbox(key="dataset_sort").set_value("Position"))
    assert app.selectbox(key="dataset_sort").value == "Position" and shown(app) != order


def test_an_address_with_nonsense_does_no_harm(folders: Path, voted: Path) -> None:
    link = {
        "dataset_split": "sideways",
        "dataset_page": "-3",
        "dataset_brightness": ["x", "y"],
        "dataset_sort": "By magic",
        "face": "999999",
    }
    app = view("Gallery", voted, link)
    assert "60 of 238 faces" in texts(app) and "no face '999999'" in texts(app)


def test_a_filter_for_what_other_data_have_is_let_go(folders: Path, voted: Path, data: Dataset) -> None:
    np.savez(
        folders / "two.npz", images=data.images[:70], labels=data.labels[:70]
    )  # train and validation, without votes
    app = view("Gallery", voted)
    app.segmented_control(key="dataset_split").set_value("test")
    run(app.pills(key="dataset_agreement").set_value(["contested"]))
    app.session_state["data_source"] = str(folders / "two.npz")
    run(app)
    assert "60 of 70 faces" in texts(app) and app.segmented_control(key="dataset_split").value is None


def test_faces_are_filtered_by_what_a_model_says_once_it_has_looked(folders: Path) -> None:
    data = open_dataset("synthetic:98:21")  # which no other test lets a model look at
    app = view("Gallery", data.source)
    run(app.pills(key="dataset_model_right").set_value("model is wrong"))
    assert "has classified the faces" in texts(app) and "60 of 98 faces" in texts(app)
    run(app.button(key="dataset_look").click())
    wait()
    run(app)
    scored = [score(bundles.find_bundle("standard"), data, split, save=False) for split in SPLITS]
    wrong = sorted(int(i) for s in scored for i in s.indices[s.probabilities.argmax(axis=1) != s.true])
    assert f"of {len(wrong):,} faces: standard is wrong" in texts(app) and shown(app) == wrong[:60]
    run(app.pills(key="dataset_model_right").set_value(None))
    run(app.selectbox(key="dataset_sort").set_value("Model least confident first"))
    confidence = np.empty(len(data))
    for s in scored:
        confidence[s.indices] = s.probabilities.max(axis=1)
    assert np.allclose(confidence[shown(app)], np.sort(confidence)[:60])


def test_faces_without_a_label_are_shown_but_never_right_or_wrong(folders: Path) -> None:
    data = open_dataset("synthetic:70:22")
    source = folders / "kaggle"
    source.mkdir()
    for name, part in (("train", range(0, 49)), ("test", range(49, 70))):
        rows = [" ".join(map(str, data.images[i].ravel())) for i in part]
        lines = (
            [f"{data.labels[i]},{row}" for i, row in zip(part, rows, strict=True)]
            if name == "train"
            else rows
        )
        (source / f"{name}.csv").write_text(
            "\n".join([("emotion," if name == "train" else "") + "pixels", *lines]) + "\n"
        )
    for name in VIEWS:
        assert not view(name, source).error
    app = view("Gallery", source)
    run(app.pills(key="dataset_classes").set_value(["unlabelled"]))
    assert "21 of 21 faces: unlabelled" in texts(app)
    run(app.button(key="dataset_reset").click())
    run(app.button(key="dataset_look").click())
    wait()
    run(app.pills(key="dataset_model_right").set_value("model is right"))
    right = shown(app)
    run(app.pills(key="dataset_model_right").set_value("model is wrong"))
    wrong = set(shown(app))
    assert len(right) + len(wrong) == 49 and not {face["label"] for face in grids(app)[0]} & {"unlabelled"}
    run(app.selectbox(key="dataset_sort").set_value("Most doubtful label first"))
    assert set(shown(app)) == wrong
    app.query_params["face"] = (
        "3"  # test.csv comes first; the rows of both files count from 0, so the address has the position
    )
    run(app)
    assert "##### unlabelled" in texts(app) and app.button(key="dataset_right").disabled


# --- a face, and verdicts


def test_a_link_opens_a_face_with_votes_and_probabilities(folders: Path, voted: Path) -> None:
    app = view("Gallery", voted, {"face": "170", "dataset_split": "validation"})
    assert "Row 170, validation" in texts(app) and "3 of 35" in texts(app)
    assert "happiness 8, fear 2" in texts(app)  # its label is fear, and most voters chose the next class
    assert (
        "**standard predicts**" in texts(app)
        and sum("fer-bars" in h.proto.body for h in app.get("html")) == 2
    )
    assert [face["id"] for face in grids(app)[1]] == [142] and "1 copy" in texts(app)
    run(app.button(key="dataset_next").click())
    assert "Row 171" in texts(app)
    run(app.button(key="dataset_previous").click())
    assert "Row 170" in texts(app)


def test_verdicts_are_given_go_on_and_are_undone(folders: Path, voted: Path, data: Dataset) -> None:
    app = view("Gallery", voted, {"face": "0"})
    run(app.button(key="dataset_is_sad").click())
    assert "Row 1," in texts(app), "the next face is shown"
    run(app.button(key="dataset_no_face").click())
    run(app.button(key="dataset_right").click())
    assert {i: (v.verdict, v.label) for i, v in Verdicts(data).all().items()} == {
        0: ("wrong", "sad"),
        1: ("not a face", None),
        2: ("right", None),
    }
    assert grids(app)[0][0]["notes"][-1] == "✗ is sad"
    run(app.button(key="dataset_undo").click())
    assert "Row 2," in texts(app) and set(Verdicts(data).all()) == {0, 1}
    run(app.button(key="dataset_undo").click())
    run(app.button(key="dataset_undo").click())
    run(app.button(key="dataset_undo").click())
    assert not Verdicts(data).all() and "no verdict to undo" in texts(app)


def test_a_label_cannot_be_called_wrong_and_what_it_is(folders: Path, voted: Path) -> None:
    app = view("Gallery", voted, {"face": "3"})  # happy
    keys = {button.key for button in app.button}
    assert "dataset_is_sad" in keys and "dataset_is_happy" not in keys


def test_one_click_judges_a_few_faces_and_asks_before_it_judges_many(
    folders: Path, voted: Path, data: Dataset
) -> None:
    app = view("Gallery", voted, dataset_selecting=True)
    app.session_state["dataset_faces_1_1"] = {"chosen": [0, 2]}
    run(app)
    run(app.button(key="dataset_many_ambiguous").click())
    assert set(Verdicts(data).all()) == {0, 2}
    many = list(range(4, 44))
    app.session_state["dataset_faces_2_1"] = {"chosen": many}
    run(app)
    run(app.button(key="dataset_many_not a face").click())
    assert set(Verdicts(data).all()) == {0, 2} and "**40 faces** get the verdict **not a face**" in texts(app)
    run(app.button(key="dataset_judge_none").click())
    assert set(Verdicts(data).all()) == {0, 2}
    run(app.button(key="dataset_many_sad").click())
    assert "wrong, they are sad" in texts(app)
    run(app.button(key="dataset_judge_all").click())
    judged = Verdicts(data).all()
    assert {i for i in many if data.labels[i] != 4} <= set(judged), "those that are sad are not wrong"
    run(app.button(key="dataset_many_undo").click())
    assert set(Verdicts(data).all()) == {0, 2}, "one step takes back all"


def test_the_gallery_shows_what_was_not_judged_yet(folders: Path, voted: Path, data: Dataset) -> None:
    Verdicts(data).give([0, 2], "ambiguous")
    app = view("Gallery", voted)
    run(app.pills(key="dataset_verdicts").set_value(["none yet"]))
    assert shown(app)[:3] == [1, 3, 4]
    run(app.pills(key="dataset_verdicts").set_value(["ambiguous"]))
    assert shown(app) == [0, 2]


def test_the_nearest_faces_stand_by_once_the_features_are_known(
    folders: Path, voted: Path, data: Dataset
) -> None:
    app = view("Gallery", voted, {"face": "150"})
    assert "once the map of these data has been made" in texts(app)
    found = features(data, bundles.find_bundle("standard"))
    run(app)
    assert "**Most similar to standard**" in texts(app)
    alike = [face["id"] for face in grids(app)[-1]]
    assert alike == list(nearest(found, 150, 8)[0]) and alike[0] == 206, "its copy in test is the most alike"


def test_a_click_soon_after_a_face_was_closed_does_not_open_it_again(folders: Path) -> None:
    """The browser's address may still name the face."""
    app = view("Overview", "synthetic:100", {"face": "7"}, face_closed=("7", time.monotonic()))
    assert "face" not in app.query_params and "A closer look" not in str(app)
    app = view("Overview", "synthetic:100", {"face": "8"}, face_closed=("7", time.monotonic()))
    assert app.query_params["face"] == ["8"] or app.query_params["face"] == "8"
    app = view("Overview", "synthetic:100", {"face": "7"}, face_closed=("7", time.monotonic() - 60))
    assert "face" in app.query_params
