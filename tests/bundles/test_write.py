"""A bundle holds a model that answers as its card says, and replaces another only when it is whole."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_core.bundles import write as bundle_writing
from fer_core.bundles.bundle import CARD, INFERENCE, KERAS, PROBABILITIES, read_bundle
from fer_core.bundles.first_weights import first_weights
from fer_core.bundles.graph import predict, shipped_graph
from fer_core.bundles.layer_table import multiply_adds
from fer_core.data import Dataset, open_dataset
from fer_core.emotions import NAMES
from fer_core.inference import Classifier
from fer_core.metrics.calibration import expected_calibration_error, rescale

from .. import tiny
from ..tiny import softmax

pytestmark = pytest.mark.long

TRAINING = {
    "epochs": 3,
    "best_epoch": 2,
    "seconds": 61.0,
    "train_images": 168,
    "machine": "a test",
    "history": [],
}


@pytest.fixture(scope="module")
def dataset(voted: Path) -> Dataset:
    return open_dataset(voted)


def validation(networks: list[keras.Model], dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The images of the split, and classes drawn from what the averaged networks say at temperature 1.5."""
    images = dataset.images[dataset.labelled_indices("validation")]
    raw = np.log(predict(shipped_graph(networks, mirror=True, zoom=True), images).astype(np.float64))
    return images, (
        softmax(raw / 1.5).cumsum(axis=1) < np.random.default_rng(0).random((len(images), 1))
    ).sum(axis=1)


def write(path: Path, networks: list[keras.Model], dataset: Dataset, **settings: object) -> None:
    """A bundle as a run with votes and a teacher of the same folder as the data writes it."""
    folder = Path(dataset.source).parent
    config = tiny.settings(dataset.source, settings, teacher=str(folder / "runs" / "teacher"))
    config = config.override("data", votes=str(folder / "fer2013new.csv"))
    trained = bundle_writing.TrainedNetworks(networks, config, dataset, TRAINING, "python -m fer_core")
    bundle_writing.write_bundle(path, "tested", trained, *validation(networks, dataset))


@pytest.fixture(scope="module")
def written(networks: list[keras.Model], dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundling") / "bundle"
    write(path, networks, dataset, mirror=True, zoom=True, quantisation="int8")
    return path


@pytest.fixture(scope="module")
def card(written: Path) -> dict:
    return read_bundle(written).card


def test_the_keras_file_loads_in_safe_mode_and_is_the_calibrated_graph(
    written, card, networks, images
) -> None:
    loaded = keras.models.load_model(written / KERAS, safe_mode=True, compile=False)
    graph = shipped_graph(networks, mirror=True, zoom=True, temperature=card["temperature"])
    assert np.allclose(predict(loaded, images), predict(graph, images), atol=1e-5)


def test_the_kept_probabilities_are_what_users_of_the_inference_file_get(written, dataset) -> None:
    kept = np.load(written / PROBABILITIES, allow_pickle=False)["validation"]
    got = Classifier(read_bundle(written)).probabilities(dataset.images[dataset.indices("validation")])
    assert kept.dtype == np.float32 and np.allclose(kept, got, atol=1e-6)


def test_the_figures_are_of_what_users_get_and_the_steps_of_what_came_before(
    written, card, networks, dataset
) -> None:
    images, labels = validation(networks, dataset)
    kept = np.load(written / PROBABILITIES)["validation"]
    plain, averaged = (
        predict(shipped_graph(networks), images),
        predict(shipped_graph(networks, mirror=True, zoom=True), images),
    )

    def accuracy(probabilities: np.ndarray) -> float:
        return float((probabilities.argmax(1) == labels).mean())

    figures, steps = card["figures"]["validation"], card["steps"]
    assert figures["accuracy"] == pytest.approx(accuracy(kept)) and figures["count"] == 35
    assert figures["calibration_error"] == pytest.approx(expected_calibration_error(kept, labels))
    assert (
        figures["fingerprint"] == card["data"]["fingerprint"] == dataset.fingerprint
        and figures["truth"] == "labels"
    )
    assert steps["accuracy_one_view"] == pytest.approx(accuracy(plain))
    assert steps["accuracy_before_quantisation"] == pytest.approx(accuracy(averaged))
    before = rescale(averaged, card["temperature"])
    assert steps["other_labels_after_quantisation"] == float((before.argmax(1) != kept.argmax(1)).mean())
    assert 0 < steps["largest_difference_after_quantisation"] < 0.1
    assert steps["largest_difference_after_quantisation"] == pytest.approx(
        np.abs(before - kept).max(), abs=1e-4
    )
    assert steps["calibration_error_before_temperature"] == pytest.approx(
        expected_calibration_error(averaged, labels), abs=1e-5
    )


def test_the_temperature_is_the_best_one_for_validation(card, networks, dataset) -> None:
    images, true = validation(networks, dataset)
    raw = np.log(predict(shipped_graph(networks, mirror=True, zoom=True), images).astype(np.float64))

    def cross_entropy(temperature: float) -> float:
        return float(-np.log(softmax(raw / temperature)[np.arange(len(true)), true]).mean())

    best = card["temperature"]
    assert 0.3 < best < 4, "not at an end of what is looked through"
    assert cross_entropy(best) <= min(cross_entropy(t) for t in np.linspace(0.2, 5, 500)) + 1e-6


def test_the_card_says_what_the_model_is(card, networks) -> None:
    assert (
        card["labels"] == list(NAMES)
        and card["name"] == "tested"
        and card["truth"] == "labels"
        and card["training"] == TRAINING
    )
    assert (
        card["mirror"] is card["zoom"] is True
        and card["quantisation"] == card["config"]["bundle"]["quantisation"] == "int8"
    )
    assert (
        card["parameters"]
        == sum(n.count_params() for n in networks)
        == sum(row["parameters"] for row in card["layers"])
    )
    assert card["multiply_adds"] == 4 * sum(multiply_adds(n) for n in networks)
    assert card["licence"] and card["uses"] and card["not_for"] and card["limits"]


def test_the_card_names_no_folder_of_the_machine(card) -> None:
    assert card["data"]["source"] == card["config"]["data"]["source"] == "fer.csv"
    assert card["config"]["data"]["votes"] == "fer2013new.csv"


def test_the_card_names_the_teacher_without_its_folder(written, card, voted: Path) -> None:
    assert card["config"]["train"]["teacher"] == "teacher"
    assert str(voted.parent) not in (written / CARD).read_text()


def test_a_bundle_is_replaced_as_a_whole_or_not_at_all(
    networks, dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle"
    write(path, networks[1:2], dataset)
    (path / "remains.txt").touch()
    before = {file.name: file.read_bytes() for file in path.iterdir()}

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(bundle_writing, "export_litert", fail)
        with pytest.raises(OSError, match="No space left"):
            write(path, networks[:1], dataset, mirror=True)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    write(path, networks[:1], dataset, mirror=True)
    assert {file.name for file in path.iterdir()} == {CARD, KERAS, INFERENCE, PROBABILITIES}
    assert read_bundle(path).card["mirror"] is True
    assert [folder.name for folder in tmp_path.iterdir()] == ["bundle"]


def test_with_one_view_there_is_no_step_for_the_others(networks, dataset, tmp_path: Path) -> None:
    write(tmp_path / "bundle", networks[1:2], dataset)
    card = read_bundle(tmp_path / "bundle").card
    assert (
        card["mirror"] is card["zoom"] is False
        and card["steps"]["accuracy_one_view"] is None
        and card["members"] == []
    )
    assert json.loads((tmp_path / "bundle" / CARD).read_text()) == card


def test_another_backend_leaves_the_inference_file_out(
    networks, dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    write(tmp_path / "bundle", networks[1:2], dataset, quantisation="int8")
    assert {file.name for file in (tmp_path / "bundle").iterdir()} == {CARD, KERAS, PROBABILITIES}
    assert read_bundle(tmp_path / "bundle").card["figures"]["validation"]["count"] == 35


@pytest.mark.parametrize("start_from", [None, "faces.tgz", "first"])
def test_the_card_names_first_weights_from_elsewhere_whatever_was_trained_between(
    tmp_path: Path, start_from: str | None
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    config = {"train": {"start_from": "vladmandic-human-3.3.6.tgz"}}
    (first / CARD).write_text(json.dumps({"labels": list(NAMES), "config": config}))
    named = first_weights(str(first) if start_from == "first" else start_from)
    assert named is None if start_from is None else "VGGFace2" in str(named)
