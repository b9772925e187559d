"""Drawing of boxes and labels on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from ..emotions import COLOURS
from .predict import FacePrediction

_UNSURE = "#8C8C8C"


@dataclass(frozen=True)
class Mark:
    """Box with a text."""

    box: tuple[int, int, int, int]  # x, y, width, height in pixels
    text: str
    colour: str  # "#RRGGBB"


def mark(
    box: tuple[int, int, int, int],
    probabilities: Mapping[str, float],
    unsure_below: float = 0.0,
    number: int | None = None,
) -> Mark:
    """Build the mark of a face, with label and probability in the colour of its class.

    The mark is grey and called unsure if the confidence is less than `unsure_below`. In a video a face also
    has a `number`.
    """
    label = max(probabilities, key=lambda name: probabilities[name])
    unsure = probabilities[label] < unsure_below
    text = "unsure" if unsure else f"{label} {probabilities[label]:.0%}"
    colour = _UNSURE if unsure else COLOURS.get(label, "#FFFFFF")
    return Mark(box, text if number is None else f"{number}: {text}", colour)


def draw_predictions(
    picture: Image.Image, faces: Sequence[FacePrediction], unsure_below: float = 0.0
) -> Image.Image:
    """Return a copy of `picture` (RGB) with the marks of its faces.

    It is turned upright if all its faces are turned by the same quarters.
    """
    out = picture.convert("RGB")
    rotations = {face.rotation for face in faces}
    rotation = rotations.pop() if len(rotations) == 1 else 0
    boxes = [face.box for face in faces]
    if rotation and rotation % 90 == 0:
        boxes = [_turned(box, out.size, rotation) for box in boxes]
        out = out.rotate(-rotation, expand=True)
    draw_marks(
        out,
        [mark(box, face.probabilities, unsure_below) for box, face in zip(boxes, faces, strict=True)],
    )
    return out


def _turned(
    box: tuple[int, int, int, int], size: tuple[int, int], rotation: int
) -> tuple[int, int, int, int]:
    """Return a box in the picture of this size after it is turned clockwise by 90, 180 or 270 degrees."""
    x, y, width, height = box
    for _ in range(rotation // 90):
        x, y, width, height = size[1] - y - height, x, height, width
        size = (size[1], size[0])
    return x, y, width, height


def draw_marks(picture: Image.Image, marks: Sequence[Mark]) -> None:
    """Draw marks into a picture of mode RGB."""
    draw = ImageDraw.Draw(picture)
    shortest = min(picture.size)
    line = max(2, shortest // 200)
    font = _font(max(12, shortest // 28))
    for face in marks:
        x, y, width, height = face.box
        draw.rectangle((x, y, x + width, y + height), outline=face.colour, width=line)
        _, _, text_width, text_height = draw.textbbox((0, 0), face.text, font=font)
        pad = line + 1
        top = y - text_height - 2 * pad
        if top < 0:  # no room above the box
            top = min(y + height, picture.height - text_height - 2 * pad)
        left = max(0, min(x, picture.width - text_width - 2 * pad))
        draw.rectangle(
            (left, top, left + text_width + 2 * pad, top + text_height + 2 * pad), fill=face.colour
        )
        draw.text(
            (left + pad, top + pad),
            face.text,
            fill="#000000" if _bright(face.colour) else "#FFFFFF",
            font=font,
        )


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _bright(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 110
