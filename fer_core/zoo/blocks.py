"""Keras models from lists of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from .applications import SIZES
from .block_types import Block
from .layer_plan import plan


def build_blocks(
    blocks: Sequence[Block | Mapping[str, Any]], input_shape: tuple[int, int, int], num_classes: int
) -> keras.Model:
    """Build the blocks in order, after a rescaling to [0, 1] and before the softmax classifier.

    Raises:
        ConfigError: A block is invalid or does not fit its input, or the network is too large.
    """
    planned = plan(blocks, input_shape, num_classes)
    tensors = [keras.Input(input_shape, name=planned[0].name)]  # (N, H, W, C) in 0..255
    for layer in planned[1:]:
        inputs = [tensors[i] for i in layer.inputs]
        if layer.kind in SIZES:
            network = getattr(keras.applications, layer.kind)(**layer.settings, input_tensor=inputs[0])
            tensors.append(network.output)
            continue
        keras_layer = getattr(layers, layer.kind)(**layer.settings, name=layer.name)
        # Keras' Resizing trains unless it is told otherwise, and with it whatever comes after.
        options = {"training": False} if layer.kind == "Resizing" else {}
        tensors.append(keras_layer(inputs if len(inputs) > 1 else inputs[0], **options))
    return keras.Model(tensors[0], tensors[-1], name="blocks")
