"""What-if changes: one face with a mask or sunglasses, tilted, blurred, darker or noisier, at 48x48."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

import cv2
import numpy as np

from ..errors import DataError
from ..inference.detector import Face

Kind = Literal["mask", "sunglasses"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_SIDE = 48  # pixels
_FINE = 8  # covers are drawn this many times larger, for soft edges
_DRAWING = 256  # width of a drawing in pixels
_HEIGHTS: dict[str, int] = {"mask": 208, "sunglasses": 92}
_TYPICAL_GREY = 130.0  # of FER2013's faces: a cover is darker in a darker picture


@dataclass(frozen=True)
class Cover:
    """A worn object, which turns with the head."""

    kind: Kind
    x: float = 0.5  # centre, as a share of the picture's width from the left
    y: float = 0.5  # centre, as a share of the height from the top
    width: float = 0.6  # as a share of the picture's width
    tilt: float = 0.0  # degrees counter-clockwise, on the upright head


@dataclass(frozen=True)
class WhatIf:
    """Changes to a face, applied in this order; by default none."""

    covers: tuple[Cover, ...] = field(default=())
    rotation: float = 0.0  # degrees counter-clockwise
    blur: float = 0.0  # standard deviation of a Gaussian, in pixels
    darkness: float = 0.0  # share of the light that is removed, 0 to 1
    noise: float = 0.0  # standard deviation in grey values
    seed: int = 0  # of the noise


def apply(image: np.ndarray, what: WhatIf) -> np.ndarray:
    """Return the changed face, (48, 48) uint8; the same arguments always return the same.

    Args:
        image: (48, 48) uint8 grey.

    Raises:
        DataError: A cover is of an unknown kind, or a value is out of its range.
    """
    if not 0 <= what.darkness <= 1 or what.blur < 0 or what.noise < 0:
        raise DataError(
            f"Expected darkness from 0 to 1, and blur and noise from 0 on, got {what.darkness}, "
            f"{what.blur} and {what.noise}."
        )
    out = image
    for cover in what.covers:
        out = _worn(out, cover)
    if what.rotation:
        matrix = cv2.getRotationMatrix2D(((_SIDE - 1) / 2, (_SIDE - 1) / 2), what.rotation, 1)
        out = cv2.warpAffine(
            out, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    if what.blur:
        out = cv2.GaussianBlur(out, (0, 0), what.blur, borderType=cv2.BORDER_REPLICATE)
    values = out * (1 - what.darkness)
    if what.noise:
        values = values + np.random.default_rng(what.seed).normal(0, what.noise, values.shape)
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def placed(kind: Kind, face: Face | None) -> Cover:
    """Place a cover on a face found in a 48x48 image, or without one, where most faces of FER2013 have it."""
    if face is None or face.landmarks is None:
        return Cover("mask", 0.5, 0.77, 0.66) if kind == "mask" else Cover("sunglasses", 0.5, 0.4, 0.74)
    right_eye, left_eye, nose, *mouth = face.landmarks / _SIDE
    across = left_eye - right_eye
    distance = float(np.hypot(*across))
    middle = (
        (right_eye + left_eye) / 2 if kind == "sunglasses" else 0.35 * nose + 0.65 * (mouth[0] + mouth[1]) / 2
    )
    if kind == "mask":
        middle = middle + 0.12 * (middle - (right_eye + left_eye) / 2)
    width = distance * (2.2 if kind == "sunglasses" else 2.0)
    tilt = -float(np.degrees(np.arctan2(across[1], across[0])))
    x, y = np.clip(middle, 0, 1)
    return Cover(kind, float(x), float(y), float(np.clip(width, 0.2, 1.2)), tilt)


@lru_cache(maxsize=len(KINDS))
def drawing(kind: Kind) -> np.ndarray:
    """Return grey three times and opacity, (H, 256, 4) uint8.

    Raises:
        DataError: There is no such kind.
    """
    if kind not in KINDS:
        raise DataError(f"Unknown cover {kind!r}: expected one of {', '.join(KINDS)}.")
    grey, alpha = _mask() if kind == "mask" else _sunglasses()
    return np.dstack([grey, grey, grey, alpha])


def _mask() -> tuple[np.ndarray, np.ndarray]:
    """Draw a surgical mask: folded cloth from the bridge of the nose to under the chin, with ear loops."""
    height = _HEIGHTS["mask"]
    y, x = np.mgrid[:height, :_DRAWING].astype(np.float32)
    # Curved at its sides, where less light reaches it.
    grey = 222 - 62 * np.abs((x - _DRAWING / 2) / (_DRAWING / 2)) ** 2 - 18 * (y / height)
    alpha = np.zeros((height, _DRAWING), np.uint8)
    outline = [
        (128, 4),
        (164, 16),
        (214, 40),
        (226, 62),
        (214, 128),
        (178, 182),
        (128, 202),
        (78, 182),
        (42, 128),
        (30, 62),
        (42, 40),
        (92, 16),
    ]
    cv2.fillPoly(alpha, [np.array(outline, np.int32)], 255, cv2.LINE_AA)
    for top, side in ((54, 12), (176, 40)):  # the loops run to both sides
        for sign in (-1, 1):
            start, end = (128 + sign * (96 if top < 100 else 56), top), (128 + sign * 127, top - side)
            cv2.line(alpha, start, end, 255, 4, cv2.LINE_AA)
    for fold in (72, 108, 144):
        points = np.array(
            [(px, fold + 10 * np.sin(np.pi * (px - 36) / 184)) for px in range(36, 221, 8)], np.int32
        )
        cv2.polylines(grey, [points], False, 138, 3, cv2.LINE_AA)
        cv2.polylines(grey, [points + np.array([0, 4], np.int32)], False, 232, 2, cv2.LINE_AA)
    return np.clip(grey, 0, 255).astype(np.uint8), cv2.GaussianBlur(alpha, (0, 0), 1)


def _sunglasses() -> tuple[np.ndarray, np.ndarray]:
    """Draw two dark lenses in a frame with a bridge and temples, and a reflection on each."""
    height = _HEIGHTS["sunglasses"]
    grey, alpha = np.full((height, _DRAWING), 22, np.uint8), np.zeros((height, _DRAWING), np.uint8)
    for sign in (-1, 1):
        middle = 128 + sign * 62
        lens = [
            (middle + sign * dx, dy)
            for dx, dy in (
                (-46, 16),
                (-20, 8),
                (30, 8),
                (50, 16),
                (50, 44),
                (36, 74),
                (4, 84),
                (-28, 74),
                (-46, 44),
            )
        ]
        # The eyes are slightly visible through them.
        cv2.fillPoly(alpha, [np.array(lens, np.int32)], 247, cv2.LINE_AA)
        cv2.line(alpha, (middle + sign * 48, 18), (128 + sign * 127, 14), 255, 7, cv2.LINE_AA)
        cv2.polylines(grey, [np.array(lens, np.int32)], True, 48, 4, cv2.LINE_AA)
        shine = [(middle - 28, 22), (middle - 6, 18), (middle - 24, 50), (middle - 34, 46)]
        cv2.fillPoly(grey, [np.array(shine, np.int32)], 92, cv2.LINE_AA)
    cv2.ellipse(alpha, (128, 30), (20, 12), 0, 180, 360, 255, 7, cv2.LINE_AA)
    return cv2.GaussianBlur(grey, (0, 0), 2), cv2.GaussianBlur(alpha, (0, 0), 1)


def _worn(image: np.ndarray, cover: Cover) -> np.ndarray:
    drawn = drawing(cover.kind).astype(np.float32)
    fine = _SIDE * _FINE
    factor = cover.width * fine / _DRAWING
    matrix = cv2.getRotationMatrix2D((_DRAWING / 2, _HEIGHTS[cover.kind] / 2), cover.tilt, factor)
    matrix[:, 2] += np.array([cover.x * fine - _DRAWING / 2, cover.y * fine - _HEIGHTS[cover.kind] / 2])
    large = cv2.warpAffine(drawn[..., [0, 3]], matrix, (fine, fine), flags=cv2.INTER_AREA)
    covered = large[..., 1] / 255
    premultiplied = cv2.resize(large[..., 0] * covered, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    share = cv2.resize(covered, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    light = min(1.15, max(0.5, float(image.mean()) / _TYPICAL_GREY))
    return np.clip(np.round(image * (1 - share) + premultiplied * light), 0, 255).astype(np.uint8)
