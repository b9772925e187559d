"""Finished runs are bundled again: with other settings, or several as one model that averages them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core import presets
from fer_core.bundles import model_card
from fer_core.bundles.bundle import CARD, Bundle, find_bundle, read_bundle
from fer_core.bundles.ensemble import assemble
from fer_core.bundles.export import load_keras
from fer_core.bundles.graph import networks_of, predict
from fer_core.config import BundleConfig
from fer_core.data import Dataset, open_dataset
from fer_core.data.votes import read_votes
from fer_core.errors import ModelError
from fer_core.inference import Classifier

from .. import tiny
from ..tiny import softmax

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def dataset(voted: Path) -> Dataset:
    return open_dataset(voted)


@pytest.fixture(scope="module")
def other_seed(voted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run like `labels_run` with another seed, of one epoch, and without the votes."""
    return tiny.train_run(
        tmp_path_factory.mktemp("runs") / "other", tiny.settings(voted, epochs=1, seed=5)
    ).path


@pytest.fixture(scope="module")
def members(labels_run: Path, other_seed: Path) -> list[Bundle]:
    return [find_bundle(str(labels_run)), find_bundle(str(other_seed))]


@pytest.fixture(scope="module")
def ensemble(members: list[Bundle], dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("ensembles") / "both"
    assemble(members, dataset, out, name="both", settings=BundleConfig(mirror=True), command="bundle both")
    return read_bundle(out)


def logits(bundle: Bundle, images: np.ndarray) -> np.ndarray:
    """Of the one network in a bundle."""
    (network,) = networks_of(load_keras(bundle))
    return network.predict_on_batch(images[..., None].astype(np.float32))


def test_an_ensemble_averages_logits_over_its_networks_and_mirror_images(ensemble, members, dataset) -> None:
    images = dataset.images[dataset.indices("test")]
    mean = np.mean(
        [logits(member, view) for member in members for view in (images, images[:, :, ::-1])], axis=0
    )
    expected = softmax(mean / ensemble.card["temperature"])
    assert np.allclose(Classifier(ensemble).probabilities(images), expected, atol=1e-4)
    assert np.allclose(predict(load_keras(ensemble), images), expected, atol=1e-4)


def test_the_card_of_an_ensemble_tells_of_its_networks(ensemble, members, dataset) -> None:
    card = ensemble.card
    assert [member["name"] for member in card["members"]] == ["labels", "other"]
    assert [member["seed"] for member in card["members"]] == [0, 5]
    assert [m["validation_accuracy"] for m in card["members"]] == [
        m.card["figures"]["validation"]["accuracy"] for m in members
    ]
    assert [m["training"]["epochs"] for m in card["members"]] == [4, 1] and card["training"]["epochs"] == 5
    assert card["training"]["seconds"] == pytest.approx(sum(m.card["training"]["seconds"] for m in members))
    assert card["training"]["train_images"] == 168, "the most that one of them saw"
    assert card["parameters"] == sum(m.card["parameters"] for m in members)
    assert (card["name"], card["command"], card["mirror"], card["quantisation"]) == (
        "both",
        "bundle both",
        True,
        "none",
    )
    assert card["config"]["bundle"] == BundleConfig(mirror=True).model_dump()
    assert card["data"]["fingerprint"] == dataset.fingerprint and card["figures"]["validation"]["count"] == 35


def test_one_run_with_other_settings_keeps_its_network(labels_run, dataset, tmp_path: Path) -> None:
    """Here its mirror image is left out and its weights are kept in float32."""
    before = find_bundle(str(labels_run))
    assemble([before], dataset, tmp_path / "plain", name="plain", settings=BundleConfig())
    after = read_bundle(tmp_path / "plain")
    images = dataset.images[dataset.indices("test")]
    assert np.allclose(logits(after, images), logits(before, images), atol=1e-5)
    assert np.allclose(
        Classifier(after).probabilities(images),
        softmax(logits(before, images) / after.card["temperature"]),
        atol=1e-4,
    )
    assert after.card["training"] == before.card["training"] and after.card["members"] == []
    assert (after.card["mirror"], before.card["mirror"]) == (False, True)
    assert after.inference_file.stat().st_size > before.inference_file.stat().st_size


def test_a_model_of_the_voters_is_calibrated_against_their_choice(
    votes_run, voted, dataset, tmp_path: Path
) -> None:
    bundle = find_bundle(str(votes_run))
    with pytest.raises(ModelError, match=r"answers as FER\+ voters do.*--votes"):
        assemble([bundle], dataset, tmp_path / "out", name="x", settings=BundleConfig())
    votes = read_votes(voted.with_name("fer2013new.csv"), dataset)
    assemble(
        [bundle],
        dataset,
        tmp_path / "out",
        name="x",
        settings=BundleConfig(mirror=True, zoom=True),
        votes=votes,
    )
    card = read_bundle(tmp_path / "out").card
    assert card["temperature"] == pytest.approx(bundle.card["temperature"], rel=1e-3), "as when the run ended"
    assert card["truth"] == card["figures"]["validation"]["truth"] == "votes"
    assert card["figures"]["validation"]["count"] == 28 and card["figures"]["validation"]["accuracy"] > 0.7


def changed(bundle: Bundle, folder: Path, **values: object) -> Bundle:
    """A copy whose card says something else."""
    path = Path(shutil.copytree(bundle.path, folder / "changed"))
    (path / CARD).write_text(json.dumps(bundle.card | values))
    return read_bundle(path)


def test_networks_that_answer_different_questions_are_refused(
    members, votes_run, dataset, tmp_path: Path
) -> None:
    first = members[0]
    other_order = changed(first, tmp_path, labels=[*first.labels[1:], first.labels[0]])
    for second in (other_order, find_bundle(str(votes_run))):
        with pytest.raises(ModelError, match="the same classes and truth"):
            assemble([first, second], dataset, tmp_path / "out", name="x", settings=BundleConfig())
    assert not (tmp_path / "out").exists()


def test_other_data_than_they_were_trained_on_is_refused(members, tmp_path: Path) -> None:
    """Its validation split may hold images that they learned."""
    with pytest.raises(ModelError, match=r"labels was trained on other data than synthetic:70.*--data"):
        assemble(members, open_dataset("synthetic:70"), tmp_path / "out", name="x", settings=BundleConfig())


def test_a_bundle_of_an_older_version_is_refused(members, networks, dataset, tmp_path: Path) -> None:
    old = changed(members[0], tmp_path)
    networks[0].save(old.keras_file)  # it held the network itself
    with pytest.raises(ModelError, match="older version: train it again"):
        assemble([old], dataset, tmp_path / "out", name="x", settings=BundleConfig())


def test_an_ensemble_in_the_place_of_a_preset_is_listed_with_its_figures(
    ensemble, dataset, tmp_path, monkeypatch
) -> None:
    """`presets` and the app show what the shipped model of a preset's name measured."""
    test = ensemble.card["figures"]["validation"]
    path = changed(ensemble, tmp_path, figures=ensemble.card["figures"] | {"test": test}).path
    path.rename(tmp_path / "best")
    monkeypatch.setattr(presets, "MODELS_DIR", tmp_path)
    measured = presets.card(presets.PRESETS["best"])["measured"]
    assert measured["accuracy"] == test["accuracy"] and (measured["networks"], measured["epochs"]) == (2, 4)
    command = presets.card(presets.PRESETS["best"])["command"]
    assert (
        "--preset best --seed N for 2 seeds" in command
        and "fer_core bundle RUN RUN --data SOURCE --name best" in command
    )


def test_bundling_an_ensemble_again_keeps_what_its_card_says_of_its_networks(
    ensemble, dataset, tmp_path: Path
) -> None:
    assemble(
        [ensemble], dataset, tmp_path / "small", name="small", settings=BundleConfig(quantisation="int8")
    )
    again = read_bundle(tmp_path / "small")
    assert (
        len(networks_of(load_keras(again))) == 2 and again.card["parameters"] == ensemble.card["parameters"]
    )
    assert again.card["members"] == ensemble.card["members"]
    assert "- Networks: 2" in model_card.markdown(again.card)


def test_a_folder_that_is_no_bundle_is_left_alone(members, dataset, tmp_path: Path) -> None:
    """A user who names the wrong folder must not lose what is in it."""
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ModelError):
        assemble(members[:1], dataset, tmp_path, name="x", settings=BundleConfig())
    assert (tmp_path / "thesis.txt").exists()


def test_a_bundle_is_not_replaced_by_another(members, dataset, tmp_path: Path) -> None:
    """Its figures on the test split, which are to be looked at once, would be lost."""
    there = changed(members[0], tmp_path)
    before = sorted((path, path.read_bytes()) for path in there.path.rglob("*") if path.is_file())
    with pytest.raises(ModelError, match=r"holds a model already.*another folder"):
        assemble([there], dataset, there.path, name="x", settings=BundleConfig())
    assert sorted((path, path.read_bytes()) for path in there.path.rglob("*") if path.is_file()) == before


def test_an_average_needs_different_models(members, dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="named twice"):
        assemble([members[0], members[0]], dataset, tmp_path / "out", name="x", settings=BundleConfig())


@pytest.mark.parametrize(
    ("damage", "lacking"),
    [
        ({"config": {}}, "config.train.seed"),
        ({"figures": {}}, "figures.validation.accuracy"),
        ({"training": {}}, "training.epochs"),
        ({"training": {"epochs": "4"}}, "training.epochs"),
    ],
)
def test_a_card_that_does_not_tell_of_its_training_cannot_be_bundled(
    damage, lacking, members, dataset, tmp_path: Path
) -> None:
    damaged = changed(members[1], tmp_path, **damage)
    for bundles in ([damaged], [members[0], damaged]):
        with pytest.raises(ModelError, match=f"lacks .*{lacking}"):
            assemble(bundles, dataset, tmp_path / "out", name="x", settings=BundleConfig())
    assert not (tmp_path / "out").exists()
