"""The network of a run: built from its settings, with the output for the votes and the weights that it starts
from."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from .. import zoo
from ..bundles.bundle import check_has_layers, check_no_ensemble, find_bundle
from ..bundles.card_values import as_dict
from ..bundles.export import load_keras
from ..bundles.graph import networks_of
from ..config import RunConfig
from ..emotions import NAMES
from ..errors import TrainingError
from ..zoo.applications import IMAGENET, load_imagenet
from ..zoo.face_weights import is_tarball, load_face_weights
from .targets import PREDICTIONS, VOTES, with_votes_output


def build_network(config: RunConfig) -> keras.Model:
    """Build the untrained network, with its output for the votes if it has one, and freeze the layers that
    stay as they are.

    Raises:
        FerError: The settings describe no network, or name a layer to freeze that it does not have.
    """
    network = zoo.build(config.model, num_classes=len(NAMES))
    if config.train.freeze_until:
        _freeze(network, config.train.freeze_until)
    return with_votes_output(network) if config.train.votes_weight else network


def _freeze(network: keras.Model, until: str) -> None:
    names = [layer.name for layer in network.layers]
    if until not in names or until == PREDICTIONS:
        weighted = ", ".join(
            layer.name for layer in network.layers if layer.weights and layer.name != PREDICTIONS
        )
        raise TrainingError(
            f"There is no layer {until!r} to freeze the network until: expected features, "
            f"or one of {weighted}."
        )
    for layer in network.layers[: names.index(until) + 1]:
        layer.trainable = False


def load_first_weights(model: keras.Model, start_from: str, images: np.ndarray) -> None:
    """Copy the weights that `start_from` names into `model`: of a bundle, of the face network, or ImageNet's.

    With a bundle, the votes output starts as the classifier. Layers correspond by their order, since networks
    of older versions have other layer names.

    Raises:
        FerError: There is no such bundle, its network has another shape, or Keras cannot download the
            weights.
    """
    if start_from == IMAGENET:
        load_imagenet(model)
        return
    if is_tarball(start_from):
        load_face_weights(model, Path(start_from), images[:128])
        return
    bundle = find_bundle(start_from)
    imported = as_dict(bundle.card, "imported")
    if imported:
        check_has_layers(bundle)
    networks = networks_of(load_keras(bundle))
    check_no_ensemble(bundle.name, len(networks))
    sources = [layer for layer in networks[0].layers if layer.weights]
    targets = [layer for layer in model.layers if layer.weights and layer.name != VOTES]
    pairs = [*zip(sources, targets, strict=False)]
    if any(layer.name == VOTES for layer in model.layers):
        pairs.append((sources[-1], model.get_layer(VOTES)))
    for source, target in pairs:
        weights = source.get_weights()
        if imported and source is sources[-1] and len(imported["outputs"]) == len(NAMES):
            order = [imported["outputs"].index(name) for name in NAMES if name in imported["outputs"]]
            weights = [w[..., order] for w in weights]  # of the classes in our order
        if [w.shape for w in weights] != [w.shape for w in target.get_weights()] or len(sources) != len(
            targets
        ):
            raise TrainingError(
                f"The network of {bundle.name} differs from that of the run in the layer {target.name}: "
                + (
                    "choose the preset of its network, or start a new run."
                    if imported
                    else "start a new run."
                )
            )
        target.set_weights(weights)


def first_kernel(model: keras.Model) -> np.ndarray | None:
    """Return the kernel (height, width, in, out) of the first convolution."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            return np.asarray(layer.get_weights()[0], np.float32)
    return None
