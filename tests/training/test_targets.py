"""What is learned: labels, votes and a teacher's probabilities; which images are left out; and which output
is shipped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.bundle import CARD, find_bundle
from fer_core.config import ModelConfig, RunConfig
from fer_core.data import Dataset, open_dataset
from fer_core.errors import FerError
from fer_core.evaluation import scoring
from fer_core.inference import Classifier
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.train import train
from fer_core.training.targets import (
    make_targets,
    single_output,
    training_indices,
    votes_for,
    with_votes_output,
)

from .. import tiny


@pytest.fixture(scope="module")
def dataset(voted: Path) -> Dataset:
    return open_dataset(voted)


def config(voted: Path, drop: tuple[str, ...] = (), **train: object) -> RunConfig:
    return tiny.settings(voted, None, drop, **train).override(
        "data", votes=str(voted.parent / "fer2013new.csv")
    )


def card_of(run: Path) -> dict:
    return find_bundle(str(run)).card


# --- Which images


@pytest.mark.parametrize(
    ("drop", "absent"),
    [
        ((), []),
        (("leaked",), tiny.COPIES),
        (("not a face",), tiny.NO_FACE),
        (("leaked", "not a face"), [*tiny.COPIES, *tiny.NO_FACE]),
    ],
)
def test_what_is_dropped_is_exactly_what_was_named(drop, absent, voted: Path, dataset: Dataset) -> None:
    """`COPIES` stand in validation and in test; copies within training are kept."""
    settings = config(voted, drop)
    chosen = training_indices(settings, dataset, votes_for(settings, dataset))
    assert sorted({*range(168)} - {*chosen}) == sorted(absent)
    assert dataset.leaked(dataset.labelled_indices("test")).sum() == 7, (
        "dropping must not touch what is scored"
    )


def test_a_limit_holds_and_leaves_nothing_in_that_is_dropped(voted: Path, dataset: Dataset) -> None:
    settings = config(voted, ("leaked",)).override("data", limit=150)
    chosen = training_indices(settings, dataset, None)
    assert 130 <= len(chosen) < 150 and not set(chosen) & set(tiny.COPIES)


def test_votes_are_read_only_where_they_are_used(voted: Path, dataset: Dataset) -> None:
    absent = config(voted).override("data", votes=str(voted.parent / "nowhere.csv"))
    assert votes_for(absent, dataset) is None
    for used in (absent.override("train", votes_weight=1.0), absent.override("data", drop=["not a face"])):
        with pytest.raises(FerError, match="nowhere"):
            votes_for(used, dataset)
    assert votes_for(config(voted, votes_weight=0.5), dataset) is not None


# --- Which targets


def test_without_teacher_and_votes_the_labels_are_all(voted: Path, dataset: Dataset) -> None:
    targets = make_targets(config(voted), dataset, np.array([5, 3, 16]), None)
    assert (
        targets.labels.tolist() == [5, 3, 2]
        and targets.soft is targets.votes is targets.votes_weights is None
    )


def test_votes_are_shares_and_weigh_nothing_where_nobody_chose(voted: Path, dataset: Dataset) -> None:
    settings = config(voted, votes_weight=0.5)
    indices = np.array([9, *tiny.UNKNOWN, *tiny.NO_FACE, 0])
    targets = make_targets(settings, dataset, indices, votes_for(settings, dataset))
    assert targets.votes is not None and targets.votes_weights is not None
    assert targets.votes[0] == pytest.approx([0, 0, 0.2, 0.8, 0, 0, 0]) and targets.votes[
        -1
    ] == pytest.approx([0.2, 0.8, 0, 0, 0, 0, 0])
    assert targets.votes_weights.tolist() == [0.5] + [0.0] * 14 + [0.5]
    assert targets.votes.dtype == targets.votes_weights.dtype == np.float32


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_teacher_gives_its_share_of_the_targets(
    share: float, voted: Path, dataset: Dataset, votes_run: Path
) -> None:
    indices = np.array([30, 2, 100, 101])
    targets = make_targets(
        config(voted, teacher=str(votes_run), teacher_weight=share), dataset, indices, None
    )
    taught = Classifier(find_bundle(str(votes_run))).probabilities(dataset.images[indices])
    assert targets.soft is not None and targets.soft.dtype == np.float32
    assert np.allclose(targets.soft, (1 - share) * np.eye(7)[indices % 7] + share * taught, atol=1e-5)
    assert targets.labels.tolist() == [2, 2, 2, 3]


def test_a_teachers_classes_travel_by_name(
    voted: Path, dataset: Dataset, votes_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(votes_run / "bundle", tmp_path / "teacher")
    card = json.loads((tmp_path / "teacher" / CARD).read_text())
    (tmp_path / "teacher" / CARD).write_text(json.dumps(card | {"labels": card["labels"][::-1]}))
    one, other = (
        make_targets(config(voted, teacher=str(path), teacher_weight=1.0), dataset, np.arange(20), None).soft
        for path in (votes_run, tmp_path / "teacher")
    )
    assert one is not None and other is not None and np.allclose(one, other[:, ::-1], atol=1e-6)


def test_teaching_looks_at_training_images_alone_and_changes_no_card(
    voted: Path, dataset: Dataset, votes_run: Path, tmp_path: Path
) -> None:
    teacher = Path(shutil.copytree(votes_run / "bundle", tmp_path / "teacher"))
    before = json.dumps(card_of(teacher) | {"figures": {}})
    (teacher / CARD).write_text(before)
    uses = scoring.test_uses(dataset)
    targets = make_targets(
        config(voted, teacher=str(teacher), teacher_weight=1.0), dataset, np.array([1, 200, 230]), None
    )
    assert targets.soft is not None and targets.soft.sum(1) == pytest.approx([1, 0, 0], abs=1e-5)
    assert (teacher / CARD).read_text() == before
    assert scoring.test_uses(dataset) == uses


# --- Two outputs


def test_both_outputs_see_the_same_features() -> None:
    network = zoo.build(ModelConfig(family="plain", hparams=tiny.HPARAMS | {"dense_dropout": 0.5}))
    model = with_votes_output(network)
    assert set(model.output) == {"predictions", "votes"} and model.input_shape == network.input_shape
    assert model.get_layer("votes").input is model.get_layer("predictions").input
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1)).astype(np.float32)
    got = model.predict_on_batch(images)
    assert np.array_equal(got["predictions"], network.predict_on_batch(images))
    assert got["votes"].shape == (5, 7) and np.allclose(got["votes"].sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("output", ["predictions", "votes"])
@pytest.mark.parametrize("family", ["plain", "residual"])
def test_one_output_answers_as_it_did_in_the_model_of_two(output: str, family: str) -> None:
    hparams = {"width": 4, "blocks": [1, 1]} if family == "residual" else tiny.HPARAMS
    build = ModelConfig(family=family, hparams=hparams)
    model = with_votes_output(zoo.build(build))
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
    images = rng.integers(0, 256, (5, 48, 48, 1)).astype(np.float32)
    single = single_output(model, zoo.build(build), output)
    assert isinstance(single, keras.Model) and single.layers[-1].name == "predictions"
    assert np.allclose(single.predict_on_batch(images), model.predict_on_batch(images)[output], atol=1e-6)


# --- Runs


def answers(run: Path, images: np.ndarray) -> np.ndarray:
    return Classifier(find_bundle(str(run))).probabilities(images).argmax(1)


def test_each_run_answers_as_what_it_was_asked_for(
    labels_run: Path, votes_run: Path, dataset: Dataset
) -> None:
    """The voters of these images nearly always choose the class after the label's."""
    test = dataset.indices("test")
    labels = dataset.labels[test]
    assert (answers(labels_run, dataset.images[test]) == labels).mean() > 0.7
    assert (answers(votes_run, dataset.images[test]) == (labels + 1) % 7).mean() > 0.7


def test_a_run_is_validated_against_its_own_truth(
    labels_run: Path, votes_run: Path, dataset: Dataset
) -> None:
    """By the labels all 35 images; by the votes without the seven whose votes are a tie."""
    for run, truth, count in ((labels_run, "labels", 35), (votes_run, "votes", 28)):
        card = card_of(run)
        validation = card["figures"]["validation"]
        assert (
            card["truth"] == validation["truth"] == truth
            and validation["count"] == count
            and validation["accuracy"] > 0.7
        )
        best = RunFolder(run).history()[card["training"]["best_epoch"] - 1]["val_accuracy"]
        assert validation["accuracy"] == pytest.approx(best, abs=0.1), (
            "mirrored and in 8 bits it may differ a little"
        )
    tied = scoring.score(find_bundle(str(votes_run)), dataset, "validation", save=False).indices
    assert set(tiny.TIES) <= set(tied), "the labels know them"


def test_a_run_tells_how_many_images_it_was_trained_on(labels_run: Path, votes_run: Path) -> None:
    assert card_of(labels_run)["training"]["train_images"] == 168 - len(tiny.COPIES) - len(tiny.NO_FACE)
    assert card_of(votes_run)["training"]["train_images"] == 168
    assert RunFolder(labels_run).status()["train_images"] == 147


def test_what_was_trained_in_bfloat16_is_shipped_in_float32(labels_run: Path) -> None:
    assert RunFolder(labels_run).config().train.precision == "mixed_bfloat16"
    model = keras.models.load_model(labels_run / "bundle" / "model.keras", compile=False)
    network = model.get_layer("network")
    assert {layer.compute_dtype for layer in (*model.layers, *network.layers)} == {"float32"}
    assert keras.mixed_precision.dtype_policy().name == "float32", (
        "what comes after the run must not find its policy"
    )


def test_the_last_weights_are_kept_where_they_were_asked_for(votes_run: Path) -> None:
    status, rows = RunFolder(votes_run).status(), RunFolder(votes_run).history()
    assert status["best_epoch"] == len(rows) == 4 and [row["best"] for row in rows] == [1] * 4
    assert status["best_accuracy"] == rows[-1]["val_accuracy"]


def test_a_run_that_is_left_without_images_says_so(tmp_path: Path) -> None:
    """Where each training image stands in validation too, or the voters agree on none of the validation
    images."""
    images = tiny.banded(np.arange(14) % 7)
    usages = ["Training"] * 14 + ["PublicTest"] * 14
    np.savez(
        tmp_path / "faces.npz",
        pixels=np.concatenate([images, images]),
        emotion=np.arange(28) % 7,
        usage=np.array(usages),
    )
    votes = tiny.write_votes(tmp_path / "fer2013new.csv", usages, [tiny.votes_row({"unknown": 10})] * 28)
    for number, settings in enumerate(
        (
            tiny.settings(tmp_path / "faces.npz", None, ["leaked"]),
            tiny.settings(tmp_path / "faces.npz", votes_weight=1.0, output="votes").override(
                "data", votes=str(votes)
            ),
        )
    ):
        run = RunFolder(tmp_path / str(number))
        with pytest.raises(FerError):
            run.create(settings)
            train(run)
