"""Plain convolutional networks: conv, (norm), ReLU, pool, (dropout), repeated; then flatten, dense, softmax.

This is the shape of the networks in most READMEs on FER2013, and of the five baseline presets.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers


def build(
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
    """A block of 3x3 convolution ("same" padding), ReLU and 2x2 max-pooling for each entry of `filters`, then one hidden dense layer.

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
