"""Heat maps: a map of importance drawn over its face."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = 288  # pixels, six times the size of a face
_MOST = 0.72  # opacity of the colour where the map is 1, so that the face stays visible


def heat(face: np.ndarray, map: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Draw the face in grey with colours whose strength follows the map, (size, size, 3) uint8 RGB.

    The colours are those of "inferno" (van der Walt and Smith 2015, matplotlib): brighter means more, for
    colour-blind people and in black and white too.

    Args:
        face: (48, 48) uint8 grey.
        map: (48, 48) float, clipped to 0 to 1.
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
    """Return the map with a maximum of 1 and without negative values; all 0 if nothing is positive."""
    positive = np.maximum(map, 0)
    highest = positive.max()
    return positive / highest if highest > 0 else positive
