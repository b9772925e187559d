"""The networks. Each family is a file with `build(input_shape, num_classes, **hparams) -> keras.Model`.

All take grey images (N, 48, 48, 1) with values 0 to 255, rescale them inside, and end in (N, num_classes) float32
probabilities. Three layers have names that explanation and export rely on: `last_conv` (the last feature map), `features`
(the vector before the classifier) and `predictions`.

The family "blocks" is built from any list of blocks; `summary`, `equivalents` and `python_code` work on such lists without Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..config import ModelConfig
from ..errors import ConfigError

if TYPE_CHECKING:
    import keras


def build(
    config: ModelConfig, input_shape: tuple[int, int, int] = (48, 48, 1), num_classes: int = 7
) -> keras.Model:
    """The untrained network that `config` describes.

    Raises:
        ConfigError: the family or one of its hyperparameters is unknown, or its blocks do not fit.
    """
    from . import blocks, plain, residual  # here, since Keras is only needed to build one

    builders: dict[str, Callable[..., keras.Model]] = {
        "plain": plain.build,
        "residual": residual.build,
        "blocks": blocks.build,
    }
    if config.family not in builders:
        raise ConfigError(f"Unknown network family {config.family!r}: expected one of {', '.join(builders)}.")
    try:
        return builders[config.family](input_shape, num_classes, **config.hparams)
    except TypeError as error:
        raise ConfigError(f"Network family {config.family!r}: {error}.") from None
