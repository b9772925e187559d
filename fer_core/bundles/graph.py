"""Build the shipped graph, which contains all preprocessing and test-time averaging."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

NETWORK, TEMPERATURE, ENLARGED = "network", "temperature", "enlarged"
PREPARED = "prepared"  # what the network of a model from elsewhere takes: resized, scaled ...
_BORDER = 3  # pixels that the enlarged view leaves out on each side: 48 / 42, 1.14 times larger


def shipped_graph(
    networks: Sequence[keras.Model], *, mirror: bool = False, zoom: bool = False, temperature: float = 1.0
) -> keras.Model:
    """Return the shipped graph: grey images (N, 48, 48, 1) in 0..255 -> probabilities (N, C) float32.

    The logits are averaged over the networks and over the views of each image: itself, with `zoom` its
    enlarged middle, and with `mirror` the mirror images of these; divided by `temperature` (Guo et al. 2017,
    arXiv:1706.04599); then comes the softmax. So the probabilities before calibration are those of
    temperature 1: p ** temperature, normalised.

    Args:
        networks: Trained networks from `zoo.build`, ending in a softmax layer "predictions". They become the
            layers "network", or "network_1", "network_2" ... of the graph, ending in logits.
    """
    shape = networks[0].input_shape[1:]
    inputs = keras.Input(shape, name="image")
    x, views = inputs, 1
    if zoom:
        middle = layers.Cropping2D(_BORDER, name=ENLARGED)(inputs)
        x, views = (
            ops.concatenate([x, ops.image.resize(middle, shape[:2], interpolation="bilinear")], axis=0),
            2 * views,
        )
    if mirror:
        x, views = ops.concatenate([x, ops.flip(x, axis=2)], axis=0), 2 * views  # (views N, 48, 48, 1)
    names = [NETWORK] if len(networks) == 1 else [f"{NETWORK}_{i + 1}" for i in range(len(networks))]
    logits = [_with_logits(network, name)(x) for network, name in zip(networks, names, strict=True)]
    mean = logits[0] if len(logits) == 1 else layers.Average(name="ensemble")(logits)
    if views > 1:
        mean = ops.mean(ops.reshape(mean, (views, -1, mean.shape[-1])), axis=0)  # (N, C)
    scaled = layers.Rescaling(1 / temperature, name=TEMPERATURE)(mean)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(scaled), name="fer_explorer")


def views_of(graph: keras.Model) -> int:
    """Return how many views of each image a shipped graph averages."""
    enlarged = any(layer.name == ENLARGED for layer in graph.layers)
    mirrored = any(type(operation).__name__ == "Flip" for operation in graph.operations)
    return (2 if enlarged else 1) * (2 if mirrored else 1)


def networks_of(graph: keras.Model) -> list[keras.Model]:
    """Return the networks inside a shipped graph.

    Each maps (N, 48, 48, 1) to logits (N, C) and has the layers `last_conv` and `features`.
    """
    return [layer for layer in graph.layers if isinstance(layer, keras.Model)]


def _with_logits(network: keras.Model, name: str) -> keras.Model:
    classifier = network.get_layer("predictions")
    logits = layers.Dense(classifier.units, dtype="float32", name="predictions")
    model = keras.Model(network.input, logits(classifier.input), name=name)
    logits.set_weights(classifier.get_weights())
    return model


def predict(graph: keras.Model, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """Return (N, C) float32 outputs of `graph` for (N, 48, 48) uint8 images."""
    parts = [
        graph.predict_on_batch(images[i : i + batch, ..., None].astype(np.float32))
        for i in range(0, len(images), batch)
    ]
    return np.concatenate(parts)
