"""Views of a picture that a face detector searches: parts, scaled, turned, bordered; and the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class View:
    """Pixels to search, and where they come from."""

    pixels: np.ndarray  # (h, w) or (h, w, 3) uint8
    back: np.ndarray  # (2, 3): from x, y of the view to x, y of the picture
    scale: float  # view pixels a picture pixel
    rotation: int  # degrees clockwise

    def box(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """Return the x, y, width, height in the picture of a box in the view; both are upright rectangles."""
        x, y, width, height = box
        ((middle_x, middle_y),) = self.points(np.array([[x + width / 2, y + height / 2]]))
        width, height = width / self.scale, height / self.scale
        if self.rotation % 180 == 90:
            width, height = height, width
        return float(middle_x - width / 2), float(middle_y - height / 2), float(width), float(height)

    def points(self, points: np.ndarray) -> np.ndarray:
        """Return (n, 2) points in the picture of points in the view."""
        return points @ self.back[:, :2].T + self.back[:, 2]


def view(
    pixels: np.ndarray,
    scale: float = 1.0,
    rotation: int = 0,
    border: float = 0.0,
    part: tuple[int, int, int, int] | None = None,
) -> View:
    """Build a view.

    Args:
        pixels: The picture, (H, W) or (H, W, 3) uint8.
        scale: View pixels a picture pixel.
        rotation: Degrees clockwise.
        border: Repeated edge on each side, as a share of the longer side.
        part: x, y, width, height of the part to search; may reach beyond the picture, whose edge is repeated.
    """
    height, width = pixels.shape[:2]
    x, y, w, h = part or (0, 0, width, height)
    left, top, right, bottom = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
    pixels = pixels[top:bottom, left:right]
    if (left, top, right - left, bottom - top) != (x, y, w, h):
        sides = (top - y, y + h - bottom, left - x, x + w - right)
        pixels = cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_REPLICATE)
    if scale != 1.0:
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    edge = round(border * max(pixels.shape[:2]))
    if edge:
        pixels = cv2.copyMakeBorder(pixels, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    back = np.array([[1 / scale, 0, x - edge / scale], [0, 1 / scale, y - edge / scale]])
    if rotation:
        pixels, undo = turned(pixels, rotation)
        back = back @ np.vstack([undo, [0, 0, 1]])
    return View(pixels, back, scale, rotation)


def turned(pixels: np.ndarray, rotation: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn pixels clockwise about their middle; at other angles than 90, 180 and 270 the edge is repeated.

    Returns:
        The turned pixels, all of them, and the (2, 3) matrix from their x, y to those before.
    """
    height, width = pixels.shape[:2]
    angle = math.radians(rotation)
    cosine, sine = math.cos(angle), math.sin(angle)
    wide = round(abs(width * cosine) + abs(height * sine))
    tall = round(abs(width * sine) + abs(height * cosine))
    turn = np.array([[cosine, sine], [-sine, cosine]])  # the way back is anticlockwise
    undo = np.column_stack([turn, np.array([width, height]) / 2 - turn @ (np.array([wide, tall]) / 2)])
    if rotation % 90 == 0:
        return np.ascontiguousarray(np.rot90(pixels, -rotation // 90)), undo
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, undo, (wide, tall), flags=flags, borderMode=cv2.BORDER_REPLICATE), undo


def tiles(width: int, height: int, side: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield x, y, width, height of equal tiles of up to about `side` pixels that cover a picture.

    Neighbours share at least `overlap` pixels, so that whatever is smaller is whole in one of them.
    """
    across, down = _starts(width, side, overlap), _starts(height, side, overlap)
    for y, h in down:
        for x, w in across:
            yield x, y, w, h


def _starts(length: int, side: int, overlap: int) -> list[tuple[int, int]]:
    count = max(1, round((length - overlap) / (side - overlap)))
    tile = math.ceil((length + (count - 1) * overlap) / count)
    if count == 1:
        return [(0, length)]
    return [(round(i * (length - tile) / (count - 1)), tile) for i in range(count)]
