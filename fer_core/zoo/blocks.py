"""Networks from a list of blocks, as the network builder makes them. What the blocks are is in `block_types`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from .block_types import Block
from .layer_plan import plan


def build(
    input_shape: tuple[int, int, int], num_classes: int, *, blocks: Sequence[Block | Mapping[str, Any]]
) -> keras.Model:
    """The blocks in order, after a rescaling to [0, 1] and before the softmax classifier.

    Args:
        blocks: dicts, each with a "type" of `block_types.BLOCK_TYPES` and its settings.

    Raises:
        ConfigError: a block is invalid or does not fit what comes in, or the network is too large.
    """
    made = plan(blocks, input_shape, num_classes)
    tensors = [keras.Input(input_shape, name=made[0].name)]  # (N, H, W, C) in 0..255
    for layer in made[1:]:
        inputs = [tensors[i] for i in layer.inputs]
        tensors.append(
            getattr(layers, layer.kind)(**layer.settings, name=layer.name)(
                inputs if len(inputs) > 1 else inputs[0]
            )
        )
    return keras.Model(tensors[0], tensors[-1], name="blocks")
