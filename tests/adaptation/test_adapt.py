"""Bundles with an output layer that was learned from photos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.adaptation.labelled_photos import LabelledPhotos
from fer_core.bundles.bundle import Bundle, find_bundle, read_bundle
from fer_core.bundles.classifier import Classifier
from fer_core.bundles.export import load_keras
from fer_core.bundles.graph import networks_of
from fer_core.bundles.model_card import markdown
from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from fer_core.errors import ModelError
from fer_core.keras_import import import_keras

pytestmark = pytest.mark.long


def drawn(count: int) -> LabelledPhotos:
    """Faces that the shipped models do not know, two of each person, and a photo without a face."""
    data = open_dataset(f"synthetic:{count}:5")
    return LabelledPhotos(
        [Path(f"{i}.png") for i in range(count)],
        np.asarray(data.images),
        np.arange(count) != 7,
        np.asarray(data.labels),
        np.repeat(np.arange(count // 2), 2).astype(str),
    )


@pytest.fixture(scope="module")
def photos() -> LabelledPhotos:
    return drawn(400)


@pytest.fixture(scope="module")
def few_photos() -> LabelledPhotos:
    return drawn(252)


def adapt(names: list[str], photos: LabelledPhotos, path: Path, **options: object) -> Bundle:
    import_keras()
    from fer_core.adaptation.adapt import adapt as write

    write([find_bundle(name) for name in names], photos, path, name="drawn", **options)  # type: ignore[arg-type]
    return read_bundle(path)


@pytest.fixture(scope="module")
def adapted(photos: LabelledPhotos, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    path = tmp_path_factory.mktemp("adapted") / "drawn"
    return adapt(["tiny"], photos, path, untrusted=["disgust"], command="the command")


def test_it_names_faces_like_those_of_the_photos_better(adapted: Bundle) -> None:
    others = open_dataset("synthetic:300:6")
    learned = np.isin(others.labels, [NAMES.index(name) for name in adapted.card["adapted"]["learned"]])
    images, labels = np.asarray(others.images)[learned], others.labels[learned]
    right = Classifier(adapted).probabilities(images).argmax(1) == labels
    before = Classifier(find_bundle("tiny")).probabilities(images).argmax(1) == labels
    assert right.mean() > before.mean() + 0.1
    # Its figures by person foretell that.
    low, high = adapted.card["figures"]["photos without disgust"]["accuracy_ci95"]
    assert low - 0.05 < right.mean() < high + 0.05


def test_its_card_says_what_was_learned_from_what(adapted: Bundle, photos: LabelledPhotos) -> None:
    card = adapted.card
    assert card["adapted"]["from"] == ["tiny"] and card["command"] == "the command"
    assert card["adapted"]["photos"] == 399 and card["adapted"]["without_face"] == 1
    assert card["adapted"]["people"] == 200 and card["adapted"]["folds"] == 10
    assert "disgust" not in card["adapted"]["learned"] and card["adapted"]["untrusted"] == ["disgust"]
    every, trusted = card["figures"]["photos"], card["figures"]["photos without disgust"]
    assert every["count"] == 399 and trusted["count"] == 399 - every["per_class"]["disgust"]["support"]
    assert every["log_loss"] > 0 and card["mirror"] and not card["zoom"]
    text = markdown(card)
    assert "Figures on photos" in text and "learned from 399 photos" in text
    assert json.loads(json.dumps(card)) == card


def test_several_models_answer_together(few_photos: LabelledPhotos, votes_run: Path, tmp_path: Path) -> None:
    both = adapt(["tiny", str(votes_run)], few_photos, tmp_path / "both")
    parts = [find_bundle(name).card["parameters"] for name in ("tiny", str(votes_run))]
    assert both.card["parameters"] == sum(parts)
    assert [member["name"] for member in both.card["members"]] == ["tiny", "votes"]
    # The layer that was learned is what the file computes: its answers on the photos learned from are right.
    answers = Classifier(both).probabilities(few_photos.faces).argmax(1)
    assert (answers == few_photos.labels).mean() > 0.85


def test_one_network_under_two_names_is_refused(
    few_photos: LabelledPhotos, votes_run: Path, tmp_path: Path
) -> None:
    """Two outputs of one training."""
    other = Bundle(Path(shutil.copytree(votes_run / "bundle", tmp_path / "other")), {})
    graph = load_keras(other)
    classifier = networks_of(graph)[0].get_layer("predictions")
    classifier.set_weights([weights[..., ::-1] for weights in classifier.get_weights()])
    graph.save(other.keras_file)
    with pytest.raises(ModelError, match="have the same features"):
        adapt([str(votes_run), str(other.path)], few_photos, tmp_path / "both")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("part", ["labels", "path"])
def test_what_does_not_fit_is_refused(photos: LabelledPhotos, tmp_path: Path, part: str) -> None:
    import_keras()
    from fer_core.adaptation.adapt import adapt as write

    bundle = find_bundle("tiny")
    other = Bundle(bundle.path, bundle.card | {"labels": ["a", "b"]})
    if part == "path":
        (tmp_path / "kept.txt").write_text("kept")
    message = {"labels": "has the classes a, b", "path": "would be lost"}
    with pytest.raises(ModelError, match=message[part]):
        write([bundle, other], photos, tmp_path, name="x")
    assert part != "path" or (tmp_path / "kept.txt").read_text() == "kept"
