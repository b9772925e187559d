"""A small residual network in the manner of ResNet-v1 (He et al. 2015, arXiv:1512.03385).

It differs from the CIFAR networks of that paper where multiply-adds are dear on a CPU: the stem halves the image at once,
and the widths grow as the maps shrink. The input is normalised per image, so that lighting and exposure of a photo do not
reach the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers


def _conv_norm(x: keras.KerasTensor, channels: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(
        channels,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def _block(x: keras.KerasTensor, channels: int, stride: int, name: str, out_name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions around a shortcut, which is a 1x1 convolution where the shape changes."""
    y = _conv_norm(x, channels, 3, stride, f"{name}_a")
    y = layers.ReLU(name=f"{name}_a_relu")(y)
    y = _conv_norm(y, channels, 3, 1, f"{name}_b")
    if stride != 1 or x.shape[-1] != channels:
        x = _conv_norm(x, channels, 1, stride, f"{name}_shortcut")
    y = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=out_name)(y)


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int = 32,
    blocks: Sequence[int] = (1, 2, 2),
    dropout: float = 0.3,
) -> keras.Model:
    """A stem of stride 2, then stages of residual blocks with `width`, 2 `width`, 4 `width` ... channels.

    Args:
        width: channels of the stem and of the first stage.
        blocks: residual blocks in each stage; each stage after the first halves height and width.
        dropout: rate before the classifier.
    """
    inputs = keras.Input(input_shape, name="image")  # (N, 48, 48, 1) in 0..255
    x = layers.Rescaling(1 / 255, name="rescale")(inputs)
    # Layer normalisation over the whole image without learned scale: zero mean, unit variance per image.
    x = layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, name="standardise")(x)
    x = _conv_norm(x, width, 3, 2, "stem")
    x = layers.ReLU(name="stem_relu")(x)  # (N, 24, 24, width)
    for s, count in enumerate(blocks):
        for b in range(count):
            last = s == len(blocks) - 1 and b == count - 1
            name = f"stage{s + 1}_block{b + 1}"
            x = _block(
                x, width * 2**s, 2 if s and not b else 1, name, "last_conv" if last else f"{name}_relu"
            )
    x = layers.GlobalAveragePooling2D(name="features")(x)  # (N, 4 width)
    x = layers.Dropout(dropout, name="dropout")(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", name="predictions")(x)
    return keras.Model(inputs, outputs, name="residual")
