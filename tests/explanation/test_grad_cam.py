"""Grad-CAM: equal to finite differences, different by class, and available for every model family."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.bundle import Bundle, shipped
from fer_core.config import ModelConfig
from fer_core.data import open_dataset
from fer_core.errors import ModelError
from fer_core.explanation.grad_cam import GradCam
from fer_core.inference import Classifier
from fer_core.keras_import import import_keras
from tests import tiny

pytestmark = pytest.mark.long

LABELS = [*"abcdefg"]
IMAGES = np.concatenate(
    [tiny.banded(np.arange(4)), np.random.default_rng(0).integers(0, 256, (2, 48, 48), np.uint8)]
)


def saved(folder: Path, model) -> Bundle:
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    return Bundle(folder, {"name": "trial", "labels": LABELS})


def network(family: str, seed: int = 1, **hparams: object):
    import_keras()
    import keras

    keras.utils.set_random_seed(seed)
    return zoo.build(ModelConfig(family=family, hparams=hparams))


def shipped_form(*networks, **views: bool):
    from fer_core.bundles.graph import shipped_graph

    return shipped_graph(networks, **views)


def by_differences(model, images: np.ndarray, step: float = 0.002) -> np.ndarray:
    """Return Grad-CAM of a network that ends in a softmax by finite differences, (n, C, 48, 48).

    The mean gradient of a channel over its places is the gain of the logit if all of them rise a little.
    """
    import keras

    conv, classifier = model.get_layer("last_conv"), model.get_layer("predictions")
    activations = np.asarray(keras.Model(model.input, conv.output)(images[..., None].astype(np.float32)))
    rest = keras.Model(conv.output, classifier.input)
    kernel, bias = classifier.get_weights()

    def logits(values: np.ndarray) -> np.ndarray:
        return np.asarray(rest(values), np.float64) @ kernel + bias

    maps = np.zeros((len(images), activations.shape[1], activations.shape[2], 7))
    for k in range(activations.shape[3]):
        moved = np.zeros_like(activations)
        moved[..., k] = step
        gain = (logits(activations + moved) - logits(activations - moved)) / (2 * step)  # (n, C)
        maps += activations[..., k, None] * gain[:, None, None, :]
    maps = np.maximum(maps, 0)
    large = np.stack([[cv2.resize(one[..., c], (48, 48)) for c in range(7)] for one in maps])
    return large / np.maximum(large.max(axis=(2, 3), keepdims=True), 1e-12)


@pytest.mark.parametrize(
    ("family", "hparams"),
    [
        ("plain", {"filters": [6, 8], "batch_norm": True, "dense_units": 24}),
        ("residual", {"width": 4, "blocks": [1, 1]}),
        (
            "blocks",
            {
                "blocks": [
                    {"type": "conv", "filters": 5, "stride": 2},
                    {"type": "depthwise_conv"},
                    {"type": "global_pooling"},
                ]
            },
        ),
        (
            "blocks",
            {
                "blocks": [
                    {"type": "conv", "filters": 3, "stride": 4},
                    {"type": "residual", "filters": 4},
                    {"type": "flatten"},
                    {"type": "dense"},
                ]
            },
        ),
    ],
)
def test_the_weights_are_the_derivatives_of_the_logits(family: str, hparams: dict, tmp_path: Path) -> None:
    model = network(family, **hparams)
    expected = by_differences(model, IMAGES)
    wrapped = GradCam(saved(tmp_path / "new", shipped_form(model, mirror=True, zoom=True))).maps(IMAGES)
    assert wrapped.shape == (6, 7, 48, 48) and wrapped.dtype == np.float32
    assert np.abs(wrapped - expected).max() < 0.03
    assert np.abs(wrapped[:, 0] - wrapped[:, 1]).mean() > 0.02, "each class has a map of its own"
    older = GradCam(saved(tmp_path / "old", model)).maps(IMAGES)  # as bundles were before: the network itself
    assert np.allclose(older, wrapped, atol=1e-4)


def test_maps_are_scaled_and_one_of_nothing_stays_nothing(tmp_path: Path) -> None:
    model = network("residual", width=4, blocks=[1])
    kernel, bias = model.get_layer("predictions").get_weights()
    kernel[:, 2], kernel[:, 3] = -1, 1  # every channel speaks against c, and for d
    model.get_layer("predictions").set_weights([kernel, bias])
    maps = GradCam(saved(tmp_path, shipped_form(model))).maps(IMAGES)
    assert not maps[:, 2].any() and np.allclose(maps[:, 3].max(axis=(1, 2)), 1)
    assert maps.min() >= 0 and np.isfinite(maps).all()


def test_an_ensemble_has_the_mean_of_its_networks_maps(tmp_path: Path) -> None:
    networks = [network("residual", seed, width=4, blocks=[1]) for seed in (1, 2)]
    alone = [
        GradCam(saved(tmp_path / str(i), shipped_form(one))).maps(IMAGES) for i, one in enumerate(networks)
    ]
    both = GradCam(saved(tmp_path / "both", shipped_form(*networks))).maps(IMAGES)
    mean = np.mean(alone, axis=0)
    assert np.allclose(both, mean / np.maximum(mean.max(axis=(2, 3), keepdims=True), 1e-9), atol=1e-4)
    assert np.abs(both - alone[0]).max() > 0.1


def test_the_map_lies_where_the_evidence_is(tmp_path: Path) -> None:
    """The filters respond to light, and the classes are bands of the map: each must look there."""
    model = network("plain", filters=[1], dense_units=6)
    model.get_layer("conv_1").set_weights([np.full((3, 3, 1, 1), 1 / 9), np.zeros(1)])
    bands = np.zeros((24, 24, 1, 6))
    for band in range(6):
        bands[4 * band : 4 * band + 4, ..., band] = 1
    model.get_layer("dense_1").set_weights([bands.reshape(-1, 6), np.zeros(6)])
    model.get_layer("predictions").set_weights([np.eye(6, 7), np.zeros(7)])
    images = np.zeros((1, 48, 48), np.uint8)
    images[0, 16:24, 8:16] = 255  # in the third band
    maps = GradCam(saved(tmp_path, shipped_form(model))).maps(images)[0]
    y, x = np.unravel_index(maps[2].argmax(), (48, 48))
    assert 16 <= y < 24 and 8 <= x < 16 and maps[2, :12].max() < 0.05 and maps[2, 30:].max() < 0.05


# `best` ships only its inference file: the weights of three networks twice would pass the limit of models/.
WITH_KERAS_FILE = [bundle for bundle in shipped() if bundle.keras_file.is_file()]


@pytest.mark.parametrize("bundle", WITH_KERAS_FILE, ids=lambda bundle: bundle.name)
def test_every_shipped_model_with_a_keras_file_can_be_looked_into(bundle: Bundle) -> None:
    face = open_dataset("synthetic:70").images[3]
    message = int(Classifier(bundle).probabilities(face[None])[0].argmax())
    maps = GradCam(bundle).maps(face[None])[0]
    assert maps.shape == (len(bundle.labels), 48, 48)
    assert maps[message].max() == pytest.approx(1), "something speaks for what it says"


def test_no_images_no_maps_and_a_batch_is_seen_image_by_image(tmp_path: Path) -> None:
    cam = GradCam(saved(tmp_path, shipped_form(network("plain", filters=[4], dense_units=8))))
    many = np.concatenate([IMAGES] * 7)  # more than one batch
    maps = cam.maps(many)
    assert np.allclose(maps[-6:], cam.maps(IMAGES), atol=1e-4) and np.allclose(
        maps[3], cam.maps(IMAGES[3:4])[0], atol=1e-4
    )
    assert cam.maps(IMAGES[:0]).shape == (0, 7, 48, 48)


def test_what_cannot_be_looked_into_is_one_sentence(tmp_path: Path) -> None:
    import keras

    flat = network("blocks", blocks=[{"type": "flatten"}, {"type": "dense"}])
    with pytest.raises(ModelError, match="trial has no convolution"):
        GradCam(saved(tmp_path / "flat", shipped_form(flat)))
    foreign = keras.Sequential(
        [keras.Input((48, 48, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(7)]
    )
    with pytest.raises(ModelError, match="no layers last_conv and predictions"):
        GradCam(saved(tmp_path / "foreign", foreign))
    with pytest.raises(ModelError, match="which is missing"):
        GradCam(Bundle(tmp_path, {"labels": LABELS}))
