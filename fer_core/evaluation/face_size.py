"""How much of its frame a face fills. FER2013's images all have 48x48 pixels, but not all faces in them are alike large."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ..inference.detector import FaceDetector

_ENLARGED = 4  # times: YuNet finds 75 % of faces of 48 pixels, and nearly all of 190


def face_sizes(images: np.ndarray, on_progress: Callable[[float], None] = lambda share: None) -> np.ndarray:
    """(N,) float32 share of the frame that the largest found face fills, 0 to 1; NaN where no face is found.

    Args:
        images: (N, 48, 48) uint8.
        on_progress: called with the share that is done.
    """
    detector = FaceDetector()
    out = np.full(len(images), np.nan, np.float32)
    for i, image in enumerate(images):
        height, width = _ENLARGED * image.shape[0], _ENLARGED * image.shape[1]
        found = detector.detect(cv2.resize(np.asarray(image), (width, height), interpolation=cv2.INTER_CUBIC))
        if found:
            out[i] = max(_inside(face.box, width, height) for face in found) / (width * height)
        if i % 64 == 63:
            on_progress((i + 1) / len(images))
    on_progress(1.0)
    return out


def _inside(box: tuple[float, float, float, float], width: int, height: int) -> float:
    """Area of the part of a box that lies in the picture."""
    x, y, w, h = box
    return max(0.0, min(x + w, width) - max(x, 0)) * max(0.0, min(y + h, height) - max(y, 0))
