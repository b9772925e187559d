"""The networks. Each family is a function in `families` that returns a list of blocks; `build` makes the
Keras model.

All take grey images (N, 48, 48, 1) with values 0 to 255, rescale them inside, and end in (N, num_classes)
float32 probabilities. Three layers have names that explanation and export rely on: `last_conv` (the last
feature map), `features` (the vector before the classifier) and `predictions`.

`layer_plan` computes the layers of a list of blocks without Keras; the model, its summary and its Python code
are made from that plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config import ModelConfig
from .families import as_blocks

if TYPE_CHECKING:
    import keras


def build(
    config: ModelConfig, input_shape: tuple[int, int, int] = (48, 48, 1), num_classes: int = 7
) -> keras.Model:
    """Build the untrained network that `config` describes.

    Raises:
        ConfigError: The family or one of its hyperparameters is unknown, or its blocks do not fit.
    """
    from .blocks import build_blocks  # here, since Keras is only needed to build a model

    return build_blocks(as_blocks(config), input_shape, num_classes)
