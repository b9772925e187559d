"""Share of the frame that a face fills.

FER2013's images all have 48x48 pixels, but their faces differ in size.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..inference.detector import FaceDetector

# Factor: YuNet finds 75% of faces of 48 pixels, and nearly all of 190 pixels.
_ENLARGED = 4


def face_sizes(images: np.ndarray, on_progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
    """Measure the share of the frame that the largest face fills, 0 to 1, NaN without a face, (N,) float32.

    Args:
        images: (N, 48, 48) uint8.
        on_progress: Called with the share that is done.
    """
    detector = FaceDetector()
    out = np.full(len(images), np.nan, np.float32)
    for i, image in enumerate(images):
        height, width = _ENLARGED * image.shape[0], _ENLARGED * image.shape[1]
        faces = detector.detect(
            cv2.resize(np.asarray(image), (width, height), interpolation=cv2.INTER_CUBIC), one_look=True
        )
        if faces:
            out[i] = max(_inside(face.box, width, height) for face in faces) / (width * height)
        if i % 64 == 63:
            on_progress((i + 1) / len(images))
    on_progress(1.0)
    return out


def _inside(box: tuple[float, float, float, float], width: int, height: int) -> float:
    """Return the area of the part of a box inside the picture."""
    x, y, w, h = box
    return max(0.0, min(x + w, width) - max(x, 0)) * max(0.0, min(y + h, height) - max(y, 0))
