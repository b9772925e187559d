"""Networks with random weights, sure enough of themselves that a mistake in a graph shows."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.compress import round_weights
from fer_core.config import ModelConfig


def uneven(count: int, seed: int = 0) -> np.ndarray:
    """(count, 48, 48) uint8, smooth, and another from left to right."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 256, (count, 6, 6)).repeat(8, axis=1).repeat(8, axis=2)
    return np.clip(coarse + rng.normal(0, 8, (count, 48, 48)), 0, 255).astype(np.uint8)


def network(seed: int, family: str = "plain", **hparams: object) -> keras.Model:
    """A small untrained network whose logits have mean 0 and deviation 2 over `uneven` images, in every
    class."""
    keras.utils.set_random_seed(seed)
    if family == "plain":
        hparams = {"filters": [8, 16], "batch_norm": True, "dense_units": 32} | hparams
    elif family == "residual":
        hparams = {"width": 4, "blocks": [1, 1]} | hparams
    model = zoo.build(ModelConfig(family=family, hparams=hparams))
    classifier = model.get_layer("predictions")
    features = keras.Model(model.input, classifier.input).predict_on_batch(
        uneven(50, 1)[..., None].astype(np.float32)
    )
    kernel = classifier.get_weights()[0]
    scale = 2 / (features @ kernel).std(axis=0)
    classifier.set_weights([kernel * scale, -(features @ kernel).mean(axis=0) * scale])
    return model


@pytest.fixture(scope="session")
def networks() -> list[keras.Model]:
    """Two plain ones and a residual one, with the precision that bundles in 8 bits round weights to, in
    place."""
    networks = [network(0), network(1, filters=[8], dense_units=16), network(2, "residual")]
    round_weights(networks)
    return networks


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """(9, 48, 48) uint8."""
    return uneven(9)


def logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """(N, 7): the logarithms of what a network with a softmax gives, which differ from its logits by a number
    for each image."""
    return np.log(model.predict_on_batch(images[..., None].astype(np.float32)).astype(np.float64))
