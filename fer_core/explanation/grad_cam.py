"""Grad-CAM: where a network looks for each class (Selvaraju et al. 2017, arXiv:1610.02391).

The map of class c is ReLU(sum over channels k of alpha_k A_k): A are the activations of the last feature map,
and alpha_k is the mean over its places of the gradient of c's logit. This needs TensorFlow;
`grad_cam_process` runs it beside the app.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..bundles.bundle import Bundle
from ..bundles.card_values import as_dict
from ..bundles.export import load_keras
from ..errors import ModelError
from .feature_maps import has_places

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_BATCH = 32
_SIDE = 48  # pixels
_LAYER = "last_conv"


class GradCam:
    """Grad-CAM maps of one model. The maps of an ensemble are the mean over its networks.

    Of the mirrored and enlarged views that a model may average, only the original image is used.

    Raises:
        ModelError: The model is missing or damaged, has no convolution, or Keras does not run on TensorFlow.
    """

    def __init__(self, bundle: Bundle) -> None:
        model = load_keras(bundle)
        import keras

        from ..bundles.graph import PREPARED, networks_of, shipped_graph

        if keras.backend.backend() != "tensorflow":
            raise ModelError(
                f"Grad-CAM is computed by TensorFlow, and Keras runs on {keras.backend.backend()}: unset "
                "KERAS_BACKEND."
            )
        self.labels = bundle.labels
        if any(layer.name == PREPARED for layer in model.layers):
            self._gradients = [_gradients_of_import(model, bundle)]
            return
        # Bundles of older versions contain the network itself, which ends in a softmax; in a graph it ends in
        # logits.
        networks = networks_of(model) or networks_of(shipped_graph([_with_convolutions(model, bundle)]))
        self._gradients = [_gradients(_with_convolutions(network, bundle)) for network in networks]

    def maps(self, images: np.ndarray) -> np.ndarray:
        """Compute a map for each class in the order of `labels`, (n, C, 48, 48) float32.

        Each is scaled to a maximum of 1, unless it is 0 everywhere: nothing in the image supports that class.

        Args:
            images: (n, 48, 48) uint8 grey.
        """
        parts = [np.empty((0, len(self.labels), _SIDE, _SIDE), np.float32)]
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH, ..., None].astype(np.float32)
            parts.append(
                _scaled(
                    np.mean([_scaled(_enlarged(gradients(batch))) for gradients in self._gradients], axis=0)
                )
            )
        return np.concatenate(parts)


def _with_convolutions(network: keras.Model, bundle: Bundle) -> keras.Model:
    """Return the network if it has a feature map of convolutions."""
    import keras

    names = [layer.name for layer in network.layers]
    if _LAYER not in names or "predictions" not in names:
        raise ModelError(
            f"{bundle.keras_file} has no layers {_LAYER} and predictions, as the networks of FER Explorer "
            "have them: "
            "Grad-CAM cannot look into it."
        )
    convolutions = keras.layers.Conv2D | keras.layers.DepthwiseConv2D
    if not any(isinstance(layer, convolutions) for layer in network.layers):
        raise ModelError(
            f"{bundle.name} has no convolution, so there is no feature map that Grad-CAM could look into."
        )
    return network


def _gradients(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function (n, 48, 48, 1) float32 -> (n, h, w, C) float32, unscaled."""
    import keras

    inner = keras.Model(network.input, [network.get_layer(_LAYER).output, network.output])
    return _weighted_maps(inner, lambda batch: batch)


def _gradients_of_import(graph: keras.Model, bundle: Bundle) -> Callable[[np.ndarray], np.ndarray]:
    """Return the same for a model from elsewhere: of its last feature map, for the classes in our order."""
    import keras

    from ..bundles.graph import PREPARED, networks_of

    (network,) = networks_of(graph)
    maps = [layer for layer in network.layers if has_places(layer)]
    if not maps:
        raise ModelError(
            f"{bundle.name} has no convolution, so there is no feature map that Grad-CAM could look into."
        )
    outputs = network.output
    if not isinstance(graph.layers[-1], keras.layers.Softmax):  # they are probabilities
        outputs = keras.ops.log(outputs + keras.config.epsilon())
    last = maps[-1]._inbound_nodes[-1].output_tensors[0]  # of this call: a layer may be a network itself
    prepare = keras.Model(graph.input, graph.get_layer(PREPARED).output)
    compute = _weighted_maps(keras.Model(network.input, [last, outputs]), prepare)
    named = list(as_dict(bundle.card, "imported")["outputs"])

    def in_our_order(batch: np.ndarray) -> np.ndarray:
        maps_of_outputs = compute(batch)
        empty = np.zeros_like(maps_of_outputs[..., 0])
        of_class = [
            maps_of_outputs[..., named.index(name)] if name in named else empty for name in bundle.labels
        ]
        return np.stack(of_class, axis=3)

    return in_our_order


def _weighted_maps(
    inner: keras.Model, prepare: Callable[[tf.Tensor], tf.Tensor]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function (n, 48, 48, 1) float32 -> (n, h, w, C) float32, unscaled.

    Args:
        inner: Gives the feature map (n, h, w, k) and the logits (n, C) for what `prepare` returns.
        prepare: What comes before it.
    """
    import tensorflow as tf

    # AutoGraph has nothing to convert here, and would leave a temporary file when the process is killed.
    @tf.function(input_signature=[tf.TensorSpec((None, _SIDE, _SIDE, 1), tf.float32)], autograph=False)
    def compute(images: tf.Tensor) -> tf.Tensor:
        batch = prepare(images)
        with tf.GradientTape() as tape:
            tape.watch(batch)
            activations, logits = inner(batch, training=False)  # (n, h, w, k), (n, C)
            of_class = tf.reduce_sum(logits, axis=0)  # images do not influence each other
        # In a loop the backward pass is traced once; once for each class takes seconds for a deep network.
        gradients = tape.jacobian(of_class, activations, experimental_use_pfor=False)
        weights = tf.reduce_mean(tf.cast(gradients, tf.float32), axis=(2, 3), keepdims=True)  # alpha
        maps = tf.nn.relu(tf.reduce_sum(weights * tf.cast(activations, tf.float32), axis=4))  # (C, n, h, w)
        return tf.transpose(maps, (1, 2, 3, 0))

    return lambda batch: compute(tf.constant(batch)).numpy()


def _enlarged(maps: np.ndarray) -> np.ndarray:
    """Resize (n, h, w, C) to (n, C, 48, 48), bilinear."""
    out = np.empty((len(maps), maps.shape[-1], _SIDE, _SIDE), np.float32)
    for i, of_image in enumerate(maps):
        for c in range(maps.shape[-1]):
            out[i, c] = cv2.resize(
                np.ascontiguousarray(of_image[..., c]), (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR
            )
    return out


def _scaled(maps: np.ndarray) -> np.ndarray:
    highest = maps.max(axis=(2, 3), keepdims=True)
    return np.divide(maps, highest, out=np.zeros_like(maps), where=highest > 0)
