"""Graphs around networks from elsewhere: grey 48x48 faces in, probabilities of the seven classes out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ..bundles.graph import NETWORK, PREPARED
from ..emotions import NAMES
from .input_values import EPSILON, SCALINGS, SIDE, InputShape
from .network import Plan, selection
from .outputs import LOGITS, PROBABILITIES

FEATURES = "features"  # the input of the last layer, which maps and neighbours use


def graph(model: keras.Model, shape: InputShape, plan: Plan) -> keras.Model:
    """Return the graph of a bundle: images (N, 48, 48, 1) in 0..255 -> probabilities (N, 7) float32.

    The network becomes its layer "network"; what it takes is the layer "prepared".
    """
    network, kind = _ending_in_logits(model, plan.kind)
    inputs = keras.Input((SIDE, SIDE, 1), name="image")
    prepared = layers.Activation("linear", name=PREPARED)(prepare(inputs, shape, plan.scaling))
    outputs = answer(network(prepared), plan, kind)
    return keras.Model(inputs, outputs, name="imported")


def prepare(x: Any, shape: InputShape, scaling: str) -> Any:
    """Return what a network takes for images (N, 48, 48, 1) in 0..255; see `input_values.prepare`."""
    values = SCALINGS[scaling]
    if (shape.height, shape.width) != (SIDE, SIDE):
        # Keras' Resizing trains unless it is told otherwise, and with it whatever comes after.
        x = layers.Resizing(shape.height, shape.width, interpolation="bilinear")(x, training=False)
    if values.standardised:
        x = layers.LayerNormalization(axis=(1, 2, 3), epsilon=EPSILON, center=False, scale=False)(x)
    if shape.channels == 3:
        x = layers.Concatenate()([x, x, x])
    scale, offset = values.scale[: shape.channels], values.offset[: shape.channels]
    if len(set(scale)) == len(set(offset)) == 1:
        x = layers.Rescaling(float(scale[0]), float(offset[0]))(x)
    else:
        x = layers.Rescaling([float(s) for s in scale], [float(o) for o in offset])(x)
    return layers.Permute((3, 1, 2))(x) if shape.channels_first else x


def answer(y: Any, plan: Plan, kind: str) -> Any:
    """Return the probabilities of the seven classes (N, 7) for the outputs (N, K) of a network.

    Outputs without a class are left out, and what remains sums to 1; a class without an output gets 0.
    """
    chosen = selection(plan.classes, NAMES)
    missing = chosen.sum(axis=0) == 0
    bias = np.where(missing, -1e4, 0.0) if kind == LOGITS else np.zeros(len(NAMES))
    if not np.array_equal(chosen, np.eye(len(NAMES))):
        order = layers.Dense(len(NAMES), trainable=False, dtype="float32", name="class_order")
        y = order(y)
        order.set_weights([chosen, bias.astype(np.float32)])
    if kind == LOGITS:
        return layers.Softmax(name="probabilities")(y)
    if kind == PROBABILITIES and chosen.sum() == len(plan.classes):
        return layers.Activation("linear", dtype="float32", name="probabilities")(y)
    total = ops.mean(y, axis=-1, keepdims=True) * len(NAMES)
    return layers.Activation("linear", dtype="float32", name="probabilities")(y / (total + 1e-9))


def _ending_in_logits(model: keras.Model, kind: str) -> tuple[keras.Model, str]:
    """Return a network without its softmax and the kind of its outputs, where its last layer has one.

    The input of a last dense layer is called "features".
    """
    last = model.layers[-1]
    dense = isinstance(last, layers.Dense) and len(last.input.shape) == 2
    softmax = dense and last.activation is keras.activations.softmax
    if not dense or (kind == PROBABILITIES and not softmax):
        return keras.Model(model.inputs, model.outputs, name=NETWORK), kind
    activation = "linear" if softmax else last.activation
    copy = layers.Dense(
        last.units, activation=activation, use_bias=last.use_bias, dtype="float32", name="predictions"
    )
    x = last.input
    if not any(layer.name == FEATURES for layer in model.layers):  # as ours are called already
        x = layers.Activation("linear", name=FEATURES)(x)
    network = keras.Model(model.inputs, copy(x), name=NETWORK)
    copy.set_weights(last.get_weights())
    return network, LOGITS if softmax else kind
