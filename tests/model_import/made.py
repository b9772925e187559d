"""Networks whose answers are known: they name the class of `build.faces` by the mean grey level."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tests.data.build import CODES

LEVELS = 30.0 + 30.0 * np.arange(7)  # grey level of each class in the order of CODES
ORDER = sorted(CODES)
# What the input scalings do to a grey value, for red, green and blue: written out, so that the tests do not
# take it from what they test.
SCALINGS = {
    "unit": lambda grey: np.stack([grey / 255] * 3),
    "tf": lambda grey: np.stack([grey / 127.5 - 1] * 3),
    "raw": lambda grey: np.stack([grey] * 3),
    "torch": lambda grey: np.stack(
        [
            (grey / 255 - mean) / deviation
            for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
        ]
    ),
    "caffe": lambda grey: np.stack([grey - mean for mean in (103.939, 116.779, 123.68)]),
    "fer2013": lambda grey: np.stack([(grey / 255 - 0.5077) / 0.2550] * 3),
}


def weights(scaling: str, order: Sequence[str] = ORDER, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Kernel (channels, K) and bias (K,) of a dense layer on the mean of each channel.

    Its logits are highest for the class whose level is nearest: -(x - c)^2 without x^2 is linear in x. An
    output that is none of the seven classes is never the highest.
    """
    levels = SCALINGS[scaling](LEVELS)[:channels]  # (channels, 7)
    sharp = 8 / (levels[0, 1] - levels[0, 0]) ** 2 / channels
    kernel, bias = np.zeros((channels, len(order))), np.full(len(order), -1e3)
    for k, name in enumerate(order):
        if name in CODES:
            level = levels[:, CODES.index(name)]
            kernel[:, k], bias[k] = 2 * level * sharp, -np.sum(level**2) * sharp
    return kernel.astype(np.float32), bias.astype(np.float32)


def keras_network(
    scaling: str = "unit",
    order: Sequence[str] = ORDER,
    *,
    side: int = 64,
    channels: int = 3,
    activation: str = "softmax",
    first: bool = False,
    depthwise: bool = False,
):  # -> keras.Model; Keras is not imported before it is needed
    """A Keras network of a 1x1 convolution that copies each channel, a mean, and a dense layer."""
    import keras
    from keras import layers

    shape = (channels, side, side) if first else (side, side, channels)
    inputs = x = keras.Input(shape)
    if first:
        x = layers.Permute((2, 3, 1))(x)
    convolution = (layers.DepthwiseConv2D if depthwise else partial(layers.Conv2D, channels))(1)
    x = layers.GlobalAveragePooling2D()(convolution(x))
    dense = layers.Dense(len(order), activation=activation)
    model = keras.Model(inputs, dense(x))
    kernel = np.ones((1, 1, channels, 1)) if depthwise else np.eye(channels)[None, None]
    convolution.set_weights([kernel, np.zeros(channels)])
    dense.set_weights(weights(scaling, order, channels))
    return model


def write_onnx(
    path: Path,
    scaling: str = "torch",
    order: Sequence[str] = ORDER,
    *,
    side: int = 64,
    batch: int | str = "N",
    opset: int = 8,
) -> Path:
    """An ONNX file as PyTorch writes it: channels first, logits, in an old version of the format."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel, bias = weights(scaling, order)
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "kernel", "bias"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, len(order)])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 4
    onnx.save(model, str(path))
    return path
