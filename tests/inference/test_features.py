"""Features from the light file equal those of the Keras model's layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.bundle import Bundle, find_bundle, shipped
from fer_core.config import ModelConfig
from fer_core.errors import ModelError
from fer_core.inference import FeatureExtractor
from fer_core.inference import features as features_module
from fer_core.keras_import import import_keras
from fer_core.native_output import silenced
from tests import tiny

pytestmark = pytest.mark.long

IMAGES = np.concatenate(
    [tiny.banded(np.arange(7)), np.random.default_rng(0).integers(0, 256, (14, 48, 48), np.uint8)]
)


def of_keras(bundle: Bundle, images: np.ndarray) -> np.ndarray:
    """Return the layers `features` of the Keras networks, averaged over the views in the card, (N, F)."""
    import_keras()
    import keras

    from fer_core.bundles.graph import networks_of

    networks = networks_of(keras.saving.load_model(bundle.keras_file, safe_mode=True))
    views = tiny.views(images, bundle.card["mirror"], bundle.card["zoom"])
    parts = []
    for network in networks:
        inner = keras.Model(network.input, network.get_layer("features").output)
        parts.append(np.mean([inner.predict_on_batch(view[..., None]) for view in views], axis=0))
    return np.concatenate(parts, axis=1)


def assert_close(got: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert got.shape == expected.shape and got.dtype == np.float32
    assert np.abs(got - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize(
    "bundle", [bundle for bundle in shipped() if bundle.keras_file.is_file()], ids=lambda bundle: bundle.name
)
def test_shipped_models(bundle: Bundle) -> None:
    """Dynamic-range int8, four or two views; `photo` rounds 27 times one after the other."""
    extractor = FeatureExtractor(bundle)
    assert_close(
        extractor.features(IMAGES), of_keras(bundle, IMAGES), 0.1 if bundle.name == "photo" else 0.06
    )


@pytest.mark.parametrize(
    ("fixture", "tolerance"), [("trained_run", 1e-4), ("votes_run", 1e-4), ("labels_run", 0.06)]
)
def test_plain_networks(fixture: str, tolerance: float, request: pytest.FixtureRequest) -> None:
    """One view and four in float32; two in int8."""
    bundle = find_bundle(str(request.getfixturevalue(fixture)))
    assert_close(FeatureExtractor(bundle).features(IMAGES), of_keras(bundle, IMAGES), tolerance)


@pytest.mark.parametrize("quantisation", ["none", "float16"])
def test_an_ensembles_networks_stand_one_after_the_other(quantisation: str, tmp_path: Path) -> None:
    """In float16 the weights of a dense layer become a second tensor with the layer's name."""
    import_keras()
    from fer_core.bundles.graph import shipped_graph
    from fer_core.bundles.litert import export_litert

    configs = [
        ModelConfig(family="plain", hparams={"filters": [4], "dense_units": 12, "dense_batch_norm": True}),
        ModelConfig(family="residual", hparams={"width": 4}),
    ]
    networks = [zoo.build(config) for config in configs]
    graph = shipped_graph(networks, mirror=True)
    with silenced(1), silenced(2):
        graph.save(tmp_path / "model.keras")
        export_litert(graph, tmp_path / "model.tflite", quantisation)
    bundle = Bundle(tmp_path, {"labels": [*"abcdefg"], "mirror": True, "zoom": False})
    extractor = FeatureExtractor(bundle)
    assert extractor.size == 12 + 16
    assert_close(extractor.features(IMAGES), of_keras(bundle, IMAGES), 0.01)


def test_probabilities_come_along_and_the_size_of_a_batch_does_not_count(trained_run: Path) -> None:
    extractor = FeatureExtractor(find_bundle(str(trained_run)))
    features, probabilities = extractor.features_and_probabilities(IMAGES)
    assert np.allclose(probabilities, extractor.probabilities(IMAGES), atol=1e-6)
    alone = np.concatenate([extractor.features(image[None]) for image in IMAGES])
    assert np.allclose(features, alone, atol=1e-5)
    assert extractor.features(IMAGES[:0]).shape == (0, extractor.size)


def test_a_model_without_the_layer_is_one_sentence(
    trained_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "_LAYER", "embedding")
    with pytest.raises(ModelError, match="has no features: expected a layer called embedding"):
        FeatureExtractor(find_bundle(str(trained_run)))
