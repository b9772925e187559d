"""Networks of keras.applications: their sizes, known without Keras, and their weights from ImageNet.

Keras downloads the weights itself, once, and keeps them in `~/.keras`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError, ModelError

if TYPE_CHECKING:
    import keras

IMAGENET = "imagenet"  # what a run starts from
ORIGIN = "a network of keras.applications, which was trained on ImageNet"
SMALLEST = 32  # pixels, which keras.applications asks for
COLOURS = "_colours"  # end of the name of the layer before those of keras.applications
_GREY_MEAN, _GREY_DEVIATION = 128.0, 55.0  # of an average FER2013 image, for networks on standardised images
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)  # of ImageNet's colours


@dataclass(frozen=True)
class Size:
    """Size of a network, without its classifier, and the values that it takes.

    Attributes:
        channels: Of the last map, whose height and width are 1/32 of the image's, rounded up.
        weights: Multiply-adds of a pixel of the maps that are 1/2, 1/4, 1/8, 1/16 and 1/32 as large.
        once: Multiply-adds that do not depend on the size of the image.
        scale, offset: What makes its values from standardised ones.
    """

    parameters: int
    channels: int
    weights: tuple[int, int, int, int, int]
    once: int
    scale: float
    offset: float

    def multiply_adds(self, height: int, width: int) -> int:
        """Return the multiply-adds of one image."""
        pixels = (-(-height // 2**i) * -(-width // 2**i) for i in range(1, 6))
        return self.once + sum(map(int.__mul__, pixels, self.weights))


_FROM_MINUS_1_TO_1 = (_GREY_DEVIATION / 127.5, _GREY_MEAN / 127.5 - 1)
_FROM_0_TO_255 = (_GREY_DEVIATION, _GREY_MEAN)
SIZES = {
    "MobileNetV2": Size(2257984, 1280, (3200, 14832, 40080, 523584, 1608064), 0, *_FROM_MINUS_1_TO_1),
    "EfficientNetB0": Size(4049571, 1280, (3200, 14832, 44160, 697680, 2569120), 627200, *_FROM_0_TO_255),
    "ResNet50V2": Size(23564800, 2048, (9408, 159744, 1052672, 6438912, 15794176), 0, *_FROM_MINUS_1_TO_1),
}


def has_application(blocks: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether one of the blocks is a network of keras.applications."""
    return any(block["type"] == "application" for block in blocks)


def check_application(blocks: Sequence[Mapping[str, Any]]) -> None:
    """Check that a network of these blocks can start from ImageNet.

    Raises:
        ConfigError: None of the blocks is a network of keras.applications.
    """
    if not has_application(blocks):
        raise ConfigError(
            "The weights from ImageNet fit networks with a block of type application: choose the preset "
            "imagenet."
        )


def load_imagenet(model: keras.Model) -> None:
    """Set the layers of `model` that come from keras.applications to their weights from ImageNet.

    Raises:
        ModelError: The weights cannot be downloaded.
    """
    import keras

    names = [layer.name for layer in model.layers]
    (start,) = (i for i, name in enumerate(names) if name.removesuffix(COLOURS) in SIZES)
    name = names[start].removesuffix(COLOURS)
    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # MobileNetV2's of 224 pixels are taken for sizes without own
            source = getattr(keras.applications, name)(
                include_top=False, weights="imagenet", input_shape=model.layers[start].output.shape[1:]
            )
    except Exception as error:  # Keras raises a bare Exception for what it cannot download
        raise ModelError(
            f"The weights of {name} from ImageNet cannot be downloaded ({error}): connect this machine to "
            "the internet for the first run, or start from a model that is there."
        ) from error
    # In order, since Keras numbers the names of some layers; the last ones are the outputs.
    own = [layer for layer in model.layers[start + 1 :] if layer.weights]
    originals = [layer for layer in source.layers if layer.weights]
    for layer, original in zip(own, originals, strict=False):
        weights = original.get_weights()
        layer.set_weights(weights)
        if isinstance(layer, keras.layers.Normalization):
            # EfficientNet's weights come with a further division, by the root of the deviation, which Keras
            # adds to the network with them.
            mean, variance, count = weights
            layer.set_weights([mean, variance * _DEVIATION, count])
            layer.finalize_state()
