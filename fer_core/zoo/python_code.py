"""A network of blocks as a Keras script that needs nothing of this project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from .block_types import Application, Block, Residual, parse_blocks
from .layer_plan import Layer, plan

# How many of a layer's settings are written without their names, as people do.
_WITHOUT_NAME = {
    "Conv2D": 2,
    "DepthwiseConv2D": 1,
    "Dense": 1,
    "Activation": 1,
    "Dropout": 1,
    "MaxPooling2D": 1,
    "AveragePooling2D": 1,
}

_RESIDUAL = '''
def conv_norm(x, filters, kernel_size, strides, name):
    settings = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.Conv2D(filters, kernel_size, strides, **settings, name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def residual(x, filters, strides, name, output_name):
    """Two 3x3 convolutions around a shortcut, which is a 1x1 convolution where the shape changes."""
    y = conv_norm(x, filters, 3, strides, f"{name}_a")
    y = layers.ReLU(name=f"{name}_a_relu")(y)
    y = conv_norm(y, filters, 3, 1, f"{name}_b")
    if strides != 1 or x.shape[-1] != filters:
        x = conv_norm(x, filters, 1, strides, f"{name}_shortcut")
    y = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=output_name)(y)

'''


def python_code(
    blocks: Sequence[Block | Mapping[str, Any]],
    num_classes: int = 7,
    input_shape: tuple[int, int, int] = (48, 48, 1),
) -> str:
    """Return a script whose `build_model()` makes the same network, with the same layer names.

    Raises:
        ConfigError: A block is invalid or does not fit its input, or the network is too large.
    """
    parsed = parse_blocks(blocks)
    lines = []
    for number, group in groupby(plan(parsed, input_shape, num_classes)[2:], lambda layer: layer.block):
        layers = list(group)
        block = parsed[number - 1] if number else None
        if isinstance(block, Residual):
            name = layers[0].name.removesuffix("_a_conv")
            call = (
                f'residual(x, {block.filters}, {block.stride}, name="{name}", '
                f'output_name="{layers[-1].name}")'
            )
            lines.append(f"    x = {call}  # {_shape(layers[-1])}")
        elif isinstance(block, Application):
            grey, colours, network, end = layers
            lines += [
                f"    x = {_call(grey)}(x)",
                f"    x = {_call(colours)}([x, x, x])  # {_shape(colours)}",
                f"    x = keras.applications.{network.kind}(include_top=False, weights=None, "
                f"input_tensor=x).output  # {_shape(network)}",
                f"    x = {_call(end)}(x)",
            ]
        else:
            for layer in layers:
                result = "x" if layer.block else "outputs"
                lines.append(f"    {result} = {_call(layer)}{_arguments(layer)}  # {_shape(layer)}")
    height, width, _ = input_shape
    return "\n".join(
        [
            f'"""Network for facial expressions: {height} x {width} grey images to {num_classes} classes."""',
            "",
            "import keras",
            "from keras import layers",
            "",
            _RESIDUAL if any(isinstance(block, Residual) for block in parsed) else "",
            "def build_model():",
            f'    inputs = keras.Input({input_shape}, name="image")',
            '    x = layers.Rescaling(1 / 255, name="rescale")(inputs)',
            *lines,
            '    return keras.Model(inputs, outputs, name="blocks")',
            "",
            "",
            'if __name__ == "__main__":',
            "    build_model().summary()",
            "",
        ]
    )


def _call(layer: Layer) -> str:
    parts = [
        _literal(value) if i < _WITHOUT_NAME.get(layer.kind, 0) else f"{key}={_literal(value)}"
        for i, (key, value) in enumerate((layer.settings | {"name": layer.name}).items())
    ]
    return f"layers.{layer.kind}({', '.join(parts)})"


def _arguments(layer: Layer) -> str:
    return "(x, training=False)" if layer.kind == "Resizing" else "(x)"  # as in `blocks`


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _shape(layer: Layer) -> str:
    return " x ".join(map(str, layer.output))
