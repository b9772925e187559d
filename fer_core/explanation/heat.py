"""A map of importance, laid over the face that it belongs to."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 288  # pixels, six times a face's
_MOST = 0.72  # of the colour where the map is 1: the face must still be seen


def heat(face: np.ndarray, map: np.ndarray, size: int = SIZE) -> np.ndarray:
    """(size, size, 3) uint8 RGB: the face in grey, under colours that are the stronger the higher the map is.

    The colours are those of "inferno" (van der Walt and Smith 2015, matplotlib): brighter means more in them, for colour-blind people
    and on grey paper too.

    Args:
        face: (48, 48) uint8 grey.
        map: (48, 48) float; what lies outside 0 to 1 is cut off.
    """
    shape = (size, size)
    grey = cv2.resize(face, shape, interpolation=cv2.INTER_CUBIC)
    strength = np.clip(cv2.resize(map.astype(np.float32), shape, interpolation=cv2.INTER_CUBIC), 0, 1)
    # From the lower middle of the scale on: its dark end would look like a shadow on the face.
    colours = cv2.applyColorMap(np.round(70 + 185 * strength).astype(np.uint8), cv2.COLORMAP_INFERNO)[
        ..., ::-1
    ]
    share = (_MOST * strength**0.75)[..., None]
    return np.round(grey[..., None] * (1 - share) + colours * share).astype(np.uint8)


def scaled(map: np.ndarray) -> np.ndarray:
    """The map with its maximum at 1 and nothing below 0; all 0 where nothing is above."""
    positive = np.maximum(map, 0)
    highest = positive.max()
    return positive / highest if highest > 0 else positive
