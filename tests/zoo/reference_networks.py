"""The plain and the residual family written out as Keras layers, which the families of blocks are tested
against."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers


def plain(
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    filters: Sequence[int] = (32, 64, 128),
    batch_norm: bool = False,
    block_dropout: float = 0.0,
    dense_units: int = 128,
    dense_batch_norm: bool = False,
    dense_dropout: float = 0.0,
) -> keras.Model:
    """A block of 3x3 convolution ("same" padding), ReLU and 2x2 max-pooling for each entry of `filters`, then
    one hidden dense layer.

    Args:
        filters: output channels of each block.
        batch_norm: normalise each convolution's output before the ReLU.
        block_dropout: rate of the dropout that ends each block; 0 is off.
        dense_units: size of the hidden dense layer.
        dense_batch_norm: normalise its output.
        dense_dropout: dropout before the classifier; 0 is off.
    """
    inputs = keras.Input(input_shape, name="image")  # (N, H, W, 1) in 0..255
    x = layers.Rescaling(1 / 255, name="rescale")(inputs)  # [0, 1]
    for i, channels in enumerate(filters):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=not batch_norm, name=f"conv_{i + 1}")(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"norm_{i + 1}")(x)
        x = layers.Activation("relu", name="last_conv" if i == len(filters) - 1 else f"relu_{i + 1}")(x)
        x = layers.MaxPooling2D(name=f"pool_{i + 1}")(x)  # (N, H / 2^(i+1), W / 2^(i+1), channels)
        if block_dropout:
            x = layers.Dropout(block_dropout, name=f"dropout_{i + 1}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(dense_units, use_bias=not dense_batch_norm, name="dense")(x)
    if dense_batch_norm:
        x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.Activation("relu", name="features")(x)  # (N, dense_units)
    if dense_dropout:
        x = layers.Dropout(dense_dropout, name="dense_dropout")(x)
    # Softmax stays in float32 under mixed precision, where small probabilities would vanish.
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", name="predictions")(x)
    return keras.Model(inputs, outputs, name="plain")


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


def residual(
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
