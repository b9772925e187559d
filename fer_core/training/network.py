"""The network of a run: built from its settings, with the output for the votes, and the weights that it starts from."""

from __future__ import annotations

import keras
import numpy as np

from .. import zoo
from ..bundle import find_bundle
from ..config import RunConfig
from ..emotions import NAMES
from ..errors import TrainingError
from ..export import load_keras
from ..release.graph import networks_of
from .targets import PREDICTIONS, VOTES, with_votes_output


def build_network(config: RunConfig) -> keras.Model:
    """The untrained network, with its output for the votes where it has one; the layers that are to stay as they are frozen.

    Raises:
        FerError: the settings describe none, or name a layer to freeze that it does not have.
    """
    network = zoo.build(config.model, num_classes=len(NAMES))
    if config.train.freeze_until:
        _freeze(network, config.train.freeze_until)
    return with_votes_output(network) if config.train.votes_weight else network


def _freeze(network: keras.Model, until: str) -> None:
    names = [layer.name for layer in network.layers]
    if until not in names or until == PREDICTIONS:
        known = ", ".join(
            layer.name for layer in network.layers if layer.weights and layer.name != PREDICTIONS
        )
        raise TrainingError(
            f"There is no layer {until!r} to freeze the network until: expected features, or one of {known}."
        )
    for layer in network.layers[: names.index(until) + 1]:
        layer.trainable = False


def first_weights(model: keras.Model, start_from: str) -> None:
    """Copy the weights of the bundle that `start_from` means into `model`, layer by layer; its votes output starts as its classifier.

    Raises:
        FerError: there is no such bundle, or its network is another one.
    """
    bundle = find_bundle(start_from)
    networks = networks_of(load_keras(bundle))
    if len(networks) != 1:
        raise TrainingError(
            f"{bundle.name} is an ensemble of {len(networks)} networks: start from a model that is one network."
        )
    known = {layer.name: layer for layer in networks[0].layers}
    for layer in model.layers:
        source = known.get(PREDICTIONS if layer.name == VOTES else layer.name)
        weights = source.get_weights() if source is not None else []
        if [w.shape for w in weights] != [w.shape for w in layer.get_weights()]:
            raise TrainingError(
                f"The network of {bundle.name} differs from that of the run in the layer {layer.name}: start a new run."
            )
        layer.set_weights(weights)


def first_kernel(model: keras.Model) -> np.ndarray | None:
    """The kernel (height, width, in, out) of the first convolution."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            return np.asarray(layer.get_weights()[0], np.float32)
    return None
