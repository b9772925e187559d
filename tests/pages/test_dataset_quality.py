"""The Dataset page without a browser: what votes, copies, label issues and verdicts lead to."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles import bundle as bundles
from fer_core.data import Dataset, open_dataset
from fer_core.data.recipe import read_recipe, save_recipe
from fer_core.data.votes import find_votes, read_votes
from fer_core.evaluation.scoring import Scored, score
from fer_core.metrics.classification import evaluate
from fer_core.quality import cross_validation, result_cache
from fer_core.quality.copies import copy_groups
from fer_core.quality.verdicts import Verdicts
from pages.views.dataset import copies, cross_validation_run, model_answers, retraining
from pages.views.dataset.dataset_view import DatasetView
from tests import tiny
from tests.pages.conftest import shown_data
from tests.pages.dataset_view import grids, run, shown, texts, view, wait

pytestmark = [pytest.mark.usefixtures("own_home"), pytest.mark.long]


@pytest.fixture(scope="module")
def data(voted: Path) -> Dataset:
    return open_dataset(voted)


# --- verdicts


def test_verdicts_become_a_cleaned_variant_that_every_page_works_on(
    folders: Path, voted: Path, data: Dataset
) -> None:
    Verdicts(data).give([0], "wrong", "sad")
    Verdicts(data).give([1, 200], "not a face")  # the second one stands in validation
    app = view("Verdicts", voted)
    assert [(m.label, m.value) for m in app.metric][1:] == [
        ("Wrong", "1"),
        ("Ambiguous", "0"),
        ("Not a face", "2"),
    ]
    assert "**1 image** left out and **1 label** changed" in texts(app)
    assert "1 verdict on images of other splits does not count" in texts(app)
    run(app.button(key="dataset_verdicts_make").click())
    path = folders / "data" / "cleaned.recipe.json"
    assert app.session_state["data_source"] == str(path) and "cleaned variant **cleaned**" in texts(app)
    (link,) = app.get("page_link")
    assert (
        "Train on this variant" in link.proto.label
        and "source=cleaned.recipe.json" in link.proto.query_string
    )
    assert "Nothing to leave out or to change" in texts(app)
    assert not [button for button in app.button if button.key == "dataset_verdicts_make"]
    notes = [line for grid in grids(app) for face in grid if face["id"] == 0 for line in face["notes"]]
    assert "✓ sad by your verdict" in notes and not [line for line in notes if line.startswith("✗")]
    again = view("Verdicts", voted)
    assert "The variant cleaned has these changes already" in texts(again), "not made twice"
    assert not [button for button in again.button if button.key == "dataset_verdicts_make"]
    run(again.button(key="dataset_verdicts_use").click())
    assert again.session_state["data_source"] == str(path)
    variant = open_dataset(path)
    assert len(variant) == 237 and variant.labels[0] == 4 and np.sum(variant.splits == 1) == 35
    assert [m.value for m in app.metric][1] == "1", "the variant shares the verdicts"
    app.switch_page("pages/train.py").run()
    assert not app.exception and shown_data(app) == "cleaned.recipe.json"


def test_a_damaged_record_of_verdicts_is_one_sentence(folders: Path, voted: Path) -> None:
    (folders / "home").mkdir()
    (folders / "home" / "verdicts.sqlite").write_bytes(b"no database at all" * 100)
    for name in ("Gallery", "Verdicts"):
        app = view(name, voted)
        assert ["cannot be used" in error.value for error in app.error] == [True]


# --- votes


def test_a_cell_of_label_against_majority_leads_to_its_faces(folders: Path, voted: Path) -> None:
    cell = {"selection": {"points": [{"customdata": [3, 4]}], "point_indices": [], "box": [], "lasso": []}}
    app = view("Votes", voted, dataset_votes_matrix=cell)
    assert "For **0.0%** of the 238 labelled" in texts(app)
    run(app.button(key="dataset_votes_see").click())
    assert app.session_state["dataset_view"] == "Gallery" and "happy, voted sad" in texts(app)
    assert shown(app) and all(
        i % 7 == 3 and i not in {*tiny.TIES, *tiny.NO_FACE, *tiny.UNKNOWN} for i in shown(app)
    )


def test_uploaded_votes_are_kept_for_these_data_and_those_of_others_are_not(
    folders: Path, tmp_path: Path
) -> None:
    (folders / "data").mkdir()
    source = folders / "data" / "faces.csv"
    path = tiny.write_voted(folders)
    path.replace(source)
    votes = (folders / "fer2013new.csv").read_bytes()
    app = view("Votes", source)
    assert "no FER+ votes" in texts(app)
    app.file_uploader(key="dataset_votes_upload").upload(
        "v.csv", votes[: len(votes) // 2].rsplit(b"\n", 1)[0], "text/csv"
    ).run()
    app.button(key="dataset_use_votes").click().run()
    assert "has votes for" in app.error[0].value and app.error[0].value.startswith("The upload")
    assert not list((folders / "data" / "uploads").glob("*"))
    app = view("Votes", source)
    app.file_uploader(key="dataset_votes_upload").upload("v.csv", votes, "text/csv").run()
    run(app.button(key="dataset_use_votes").click())
    assert "Agreement by class" in texts(app)
    variant = save_recipe(
        copies.leave_out(DatasetView(open_dataset(source)), copy_groups(open_dataset(source), False), True),
        folders / "data",
        "less",
    )
    assert DatasetView(open_dataset(variant)).votes is not None, "a variant has the votes of its original"
    listed = view("Overview", source, source_way="Data folder").selectbox(key="source_path").options
    assert listed == ["faces.csv", "less.recipe.json"]
    run(app.button(key="dataset_forget_votes").click())
    assert "no FER+ votes" in texts(app)


# --- copies


def test_copies_across_splits_are_shown_and_left_out_in_one_click(folders: Path, voted: Path) -> None:
    app = view("Copies", voted)
    assert [m.value for m in app.metric] == ["14", "14", "0"]
    assert {face["id"] for face in grids(app)[0]} == {140, 168}
    assert "**14 images** left out" in texts(app)
    run(app.button(key="dataset_copies_make").click())
    variant = open_dataset(app.session_state["data_source"])
    assert len(variant) == 224 and not variant.leaked(np.flatnonzero(variant.splits != 0)).any()
    assert "No image occurs twice" in texts(app)


def test_of_each_group_one_image_stays_that_of_test_first(folders: Path, voted: Path, data: Dataset) -> None:
    groups = copy_groups(data, near=False)
    recipe = copies.leave_out(DatasetView(data), groups, one_of_each=True)
    assert set(recipe.drop) == set(tiny.COPIES.tolist()) and set(recipe.drop.values()) == {"exact copy"}
    same = {0: [5, 9], 1: [3, 4]}
    assert (
        len(
            copies.leave_out(
                DatasetView(_repeated(data, same)), copy_groups(_repeated(data, same), near=False), False
            ).drop
        )
        == 14
    )
    assert (
        len(
            copies.leave_out(
                DatasetView(_repeated(data, same)), copy_groups(_repeated(data, same), near=False), True
            ).drop
        )
        == 14 + 2 + 2
    )


def _repeated(data: Dataset, same: dict[int, list[int]]) -> Dataset:
    """With further copies within train."""
    digests = data.digests.copy()
    for one, others in same.items():
        digests[others] = digests[one]
    return replace(data, digests=digests)


def test_near_copies_are_looked_for_in_the_background(folders: Path) -> None:
    app = view("Copies", "synthetic:105:5")
    run(app.segmented_control(key="dataset_copies_kind").set_value("Near copies too"))
    assert "Below are the exact copies" in texts(app)
    run(app.button(key="dataset_look_near").click())
    wait()
    run(app)
    assert "Below are the exact copies" not in texts(app) and not app.error
    assert not [button for button in app.button if button.key == "dataset_look_near"]


def test_an_accuracy_is_given_with_and_without_leaked_images(
    folders: Path, voted: Path, data: Dataset
) -> None:
    app = view("Copies", voted)
    run(app.toggle(key="dataset_leaks").set_value(True))
    found = score(bundles.find_bundle("standard"), data, "test", save=False).evaluation
    table = app.dataframe[0].value
    rows = table[table["Split"] == "test"]
    assert list(rows["Images"]) == ["35, all images", "28, without 7 images with a copy in train"]
    assert np.allclose(rows["Accuracy"], [100 * found.accuracy, 100 * found.without_leaked.accuracy])


# --- label issues


def test_label_issues_from_cross_validation_are_ranked_and_checked_against_votes(
    folders: Path, voted: Path, data: Dataset
) -> None:
    wrong = [5, 50, 180]  # taken for the class after their label's, the more surely the later they stand
    probabilities = np.full((len(data), 7), 0.01, np.float32)
    probabilities[np.arange(len(data)), data.labels] = 0.94
    for i, sure in zip(wrong, (0.95, 0.96, 0.97), strict=True):
        probabilities[i] = 0.0
        probabilities[i, [(i + 1) % 7, i % 7]] = sure, 1 - sure
    cross_validation.store(data, np.arange(len(data)), probabilities)
    app = view("Label issues", voted)
    splits = app.pills(key="dataset_issues_splits_cross_3")
    assert splits.value == ["train"] and shown(app) == [i for i in wrong[::-1] if data.splits[i] == 0]
    run(splits.set_value(["train", "validation", "test"]))
    assert shown(app) == wrong[::-1] and "**3** of 238 labels are in doubt" in texts(app)
    assert [face["notes"][0] for face in grids(app)[0]] == ["→ 😐 neutral?", "→ 😨 fear?", "→ 😐 neutral?"]
    votes = read_votes(find_votes(str(voted)), data)
    disputed = (
        2 * votes.for_classes()[np.arange(len(data)), data.labels].astype(int) < votes.counts.sum(axis=1)
    ).mean()
    assert f"random faces, it is {disputed:.0%}" in texts(app) and "for **100%** of the first" in texts(app)
    run(app.pills(key="dataset_issues_classes").set_value(["surprise"]))
    assert shown(app) == [180, 5]


def test_a_cross_validation_is_started_on_the_page(
    folders: Path, voted: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []
    result_cache.path("cross-validation", data).unlink(missing_ok=True)  # of another test

    class Process:
        """The command, which is done at once."""

        pid, returncode = 0, 0

        def __init__(self, command: list[str], **options: object) -> None:
            commands.append(command)

        def poll(self) -> int:
            cross_validation.store(
                data, np.arange(len(data)), np.eye(7, dtype=np.float32)[(data.labels + 1) % 7]
            )
            return 0

    monkeypatch.setattr(cross_validation_run.subprocess, "Popen", Process)
    app = view("Label issues", voted, dataset_issues_from="Cross-validation")
    assert "It trains 3 networks" in texts(app)
    run(app.button(key="dataset_cross_start").click())
    wait()
    run(app)
    assert "labels are in doubt" in texts(app) and shown(app)
    (command,) = commands
    assert command[1:] == [
        *("-m", "fer_core", "cross-validate", "--data", str(voted), "--preset", "quick"),
        *("--name", f"quick-{data.fingerprint[:8]}", "--folds", "3"),
    ]


def test_a_model_is_not_asked_about_images_that_it_was_trained_on(
    folders: Path, voted: Path, data: Dataset
) -> None:
    def trained_on(fingerprint: str, source: str = "x.csv") -> bool:
        card = {"labels": list(data.label_names), "data": {"fingerprint": fingerprint, "source": source}}
        return model_answers.trained_on(bundles.Bundle(Path("x"), card), data)

    assert trained_on(data.fingerprint) and not trained_on("another")
    recipe = save_recipe(
        copies.leave_out(DatasetView(data), copy_groups(data, False), False), folders, "less"
    )
    assert trained_on("another", str(recipe)), "a model of a cleaned variant saw these images too"
    assert read_recipe(recipe).drop


def test_label_issues_of_a_model_say_on_which_splits_it_is_honest(folders: Path, voted: Path) -> None:
    app = view("Label issues", voted, dataset_issues_from="A model")
    assert app.pills(key="dataset_issues_splits_False_3").value == ["train"]
    assert "out-of-sample for every split" in texts(app)


def test_of_a_model_that_learned_these_images_only_the_other_splits_count(
    folders: Path, voted: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, standard = folders / "models" / "mine", bundles.find_bundle("standard")
    mine.mkdir(parents=True)
    shutil.copy(standard.inference_file, mine)
    bundles.write_card(
        mine / bundles.CARD, standard.card | {"name": "mine", "data": {"fingerprint": data.fingerprint}}
    )
    monkeypatch.setenv("FER_MODELS_DIR", str(mine.parent))
    app = view("Label issues", voted, dataset_issues_from="A model", dataset_model="mine")
    splits = app.pills(key="dataset_issues_splits_True_3")
    assert splits.value == ["validation", "test"] and "was trained on the train split" in texts(app)
    if any(
        button.key == "dataset_look" for button in app.button
    ):  # not if another test let the same network look
        run(app.button(key="dataset_look").click())
        wait()
        run(app)
    assert "of 70 labels are in doubt" in texts(app) and all(i >= 168 for i in shown(app))
    run(splits.set_value(["train"]))
    assert "of 168 labels are in doubt" in texts(app) and "has memorised their labels" in app.warning[0].value


# --- retraining


def test_the_change_by_class_has_an_interval_over_the_same_images() -> None:
    true = np.repeat(np.arange(3), 200)
    good, bad = np.eye(3, dtype=np.float32)[true], np.eye(3, dtype=np.float32)[true]
    bad[:60] = np.eye(3, dtype=np.float32)[1]  # 60 of the 200 of class 0 are taken for class 1

    def scored(probabilities: np.ndarray) -> Scored:
        found = evaluate(probabilities, true, ("a", "b", "c"))
        return Scored(
            bundles.Bundle(Path("x"), {}),
            "validation",
            "none",
            np.arange(600),
            probabilities,
            true,
            found,
            None,
        )  # type: ignore[arg-type]

    change, low, high = retraining.by_class(scored(bad), scored(good), 3, f1=False)
    assert np.allclose(change, [0.3, 0, 0]) and 0.2 < low[0] < 0.3 < high[0] < 0.4
    assert low[2] == high[2] == 0
    change, low, _ = retraining.by_class(scored(bad), scored(good), 3, f1=True)
    assert np.allclose(change, [1 - 280 / 340, 1 - 400 / 460, 0]) and low[0] > 0 and low[1] > 0
    assert np.allclose(retraining.by_class(scored(good), scored(good), 3, f1=True), 0)
    total, low, high = retraining.accuracy_change(scored(bad), scored(good))
    assert total == pytest.approx(0.1) and low < total < high
    assert retraining.accuracy_change(scored(good), scored(good)) == (0, 0, 0)


def test_two_models_are_compared_by_class(folders: Path, voted: Path) -> None:
    names = list(model_answers.by_name())
    app = view("Verdicts", voted)
    app.selectbox(key="dataset_before").set_value(names[0])
    run(app.selectbox(key="dataset_after").set_value(names[1]))
    assert not app.error and "On 35 validation images, accuracy changes from" in texts(app)
    assert len(app.get("plotly_chart")) == 1


def test_the_models_of_the_original_and_of_the_variant_are_suggested(
    folders: Path, voted: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    Verdicts(data).give([0], "wrong", "sad")
    (folders / "data").mkdir()
    recipe = save_recipe(Verdicts(data).recipe(), folders / "data", "cleaned")
    standard = bundles.find_bundle("standard")
    monkeypatch.setenv("FER_MODELS_DIR", str(folders / "models"))
    for name, fingerprint in (("old", data.fingerprint), ("new", open_dataset(recipe).fingerprint)):
        (folders / "models" / name).mkdir(parents=True)
        shutil.copy(standard.inference_file, folders / "models" / name)
        card = standard.card | {"name": name, "data": {"fingerprint": fingerprint}}
        bundles.write_card(folders / "models" / name / bundles.CARD, card)
    app = view("Verdicts", voted)
    assert app.selectbox(key="dataset_before").value is None
    app = view("Verdicts", recipe, dataset_after=None)
    chosen = [app.selectbox(key=f"dataset_{which}").value for which in ("before", "after")]
    assert chosen == ["old", "new"] and "95% interval" in texts(app)
