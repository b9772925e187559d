"""How grey faces become the numbers that a network was trained on: size, channels and scaling.

The scalings have the names of Keras' `preprocess_input` modes where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ModelError

SIDE = 48  # pixels of the faces of FER Explorer
AUTO = "auto"
EPSILON = 1e-3  # added to the variance of an image, in grey values squared

# Means and standard deviations of ImageNet's channels red, green, blue.
_MEANS = np.array([0.485, 0.456, 0.406])
_DEVIATIONS = np.array([0.229, 0.224, 0.225])
_CAFFE_MEANS = np.array([103.939, 116.779, 123.68])  # blue, green, red, in 0..255
_FER2013 = 0.5077, 0.2550  # mean and standard deviation of its training pixels in 0..1


@dataclass(frozen=True)
class Scaling:
    """Numbers for grey values: `value * scale + offset` for each channel, or each image standardised."""

    title: str
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    standardised: bool = False
    colour: bool = False  # only for networks of three channels, which it treats differently


SCALINGS: dict[str, Scaling] = {
    "unit": Scaling("0 to 1", (1 / 255,) * 3),
    "tf": Scaling("-1 to 1", (2 / 255,) * 3, (-1.0,) * 3),
    "raw": Scaling("0 to 255"),
    "torch": Scaling(
        "ImageNet mean and deviation",
        tuple(1 / 255 / _DEVIATIONS),
        tuple(-_MEANS / _DEVIATIONS),
        colour=True,
    ),
    "caffe": Scaling("0 to 255, less ImageNet's means, BGR", offset=tuple(-_CAFFE_MEANS), colour=True),
    "fer2013": Scaling(
        "FER2013's mean and deviation", (1 / 255 / _FER2013[1],) * 3, (-_FER2013[0] / _FER2013[1],) * 3
    ),
    "standardised": Scaling("each image to mean 0 and deviation 1", standardised=True),
}


@dataclass(frozen=True)
class InputShape:
    """The image that a network takes."""

    height: int
    width: int
    channels: int  # 1 or 3
    channels_first: bool = False
    one_at_a_time: bool = False  # the file fixes a batch of one

    def words(self) -> str:
        """Return the shape in words."""
        order = f"{self.channels}x{self.height}x{self.width}" if self.channels_first else None
        return order or f"{self.height}x{self.width}x{self.channels}"


def input_shape(shape: list[int | None], what: str) -> InputShape:
    """Return the image shape for the dimensions of an input.

    Args:
        shape: Batch, then height, width and channels in either order; None or -1 for an open dimension.
        what: The file, as the subject of messages.

    Raises:
        ModelError: The input is not an image of one or three channels.
    """
    sizes = [None if size is None or size < 1 else int(size) for size in shape]
    if len(sizes) == 4 and (sizes[3] in (1, 3) or sizes[1] in (1, 3)):
        first = sizes[3] not in (1, 3)
        height, width, channels = (sizes[2], sizes[3], sizes[1]) if first else (sizes[1], sizes[2], sizes[3])
        assert channels is not None
        height, width = height or width or SIDE, width or height or SIDE
        if min(height, width) >= 8 and max(height, width) <= 1024:
            return InputShape(height, width, channels, first, sizes[0] == 1)
    words = ", ".join("any" if size is None else str(size) for size in sizes)
    raise ModelError(
        f"{what} takes an input of the shape ({words}): expected images of 8 to 1024 pixels with 1 or 3 "
        "channels, such as (any, 64, 64, 3)."
    )


def scalings_for(shape: InputShape) -> list[str]:
    """Return the names of the scalings that make a difference for this input."""
    return [name for name, scaling in SCALINGS.items() if shape.channels == 3 or not scaling.colour]


def check_scaling(name: str, shape: InputShape) -> None:
    """Check a scaling that a user named.

    Raises:
        ModelError: It is not known, or does not fit the input.
    """
    fitting = scalings_for(shape)
    if name not in fitting:
        raise ModelError(
            f"The scaling {name[:40]!r} does not fit an input of {shape.words()}: expected {AUTO} or one of "
            f"{', '.join(fitting)}."
        )


def prepare(images: np.ndarray, shape: InputShape, scaling: Scaling) -> np.ndarray:
    """Return (N, H, W, C) or (N, C, H, W) float32 for a network.

    Args:
        images: (N, 48, 48) uint8 grey.
        shape: What the network takes.
        scaling: One of SCALINGS.
    """
    down, across = resize_matrix(SIDE, shape.height), resize_matrix(SIDE, shape.width)
    x = down @ images.astype(np.float32) @ across.T  # (N, H, W)
    if scaling.standardised:
        x -= x.mean(axis=(1, 2), keepdims=True)
        x /= np.sqrt(x.var(axis=(1, 2), keepdims=True) + EPSILON)
    axis = 1 if shape.channels_first else 3
    channels = [x * scaling.scale[c] + scaling.offset[c] for c in range(shape.channels)]
    return np.stack(channels, axis).astype(np.float32)


def resize_matrix(before: int, after: int) -> np.ndarray:
    """Return the matrix (after, before) float32 that resizes a row of pixels, bilinear as in TensorFlow."""
    if before == after:
        return np.eye(after, dtype=np.float32)
    places = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    left = np.minimum(np.floor(places).astype(int), before - 2)
    matrix = np.zeros((after, before), np.float32)
    matrix[np.arange(after), left] = 1 - (places - left)
    matrix[np.arange(after), left + 1] += places - left
    return matrix
