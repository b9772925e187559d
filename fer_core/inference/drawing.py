"""Drawing of boxes and labels on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from ..emotions import COLOURS
from .predict import FacePrediction

_UNSURE = "#8C8C8C"
_Corners = tuple[int, int, int, int]  # left, top, right and bottom in pixels


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

    The mark is grey and called unsure if the confidence is less than `unsure_below`. Where there are several
    faces, or in a video, a face also has a `number`.
    """
    label = max(probabilities, key=lambda name: probabilities[name])
    unsure = probabilities[label] < unsure_below
    text = "unsure" if unsure else f"{label} {probabilities[label]:.0%}"
    colour = _UNSURE if unsure else COLOURS.get(label, "#FFFFFF")
    return Mark(box, text if number is None else f"{number}: {text}", colour)


def draw_predictions(
    picture: Image.Image, faces: Sequence[FacePrediction], unsure_below: float = 0.0
) -> Image.Image:
    """Return a copy of `picture` (RGB) with the marks of its faces, numbered from 1 if there are several.

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
        [
            mark(box, face.probabilities, unsure_below, number if len(faces) > 1 else None)
            for number, (box, face) in enumerate(zip(boxes, faces, strict=True), 1)
        ],
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
    """Draw marks into a picture of mode RGB.

    Each outline has a second one around it, so that it is seen on any picture; labels avoid each other and
    the other boxes where there is room.
    """
    draw = ImageDraw.Draw(picture)
    shortest = min(picture.size)
    line = max(2, shortest // 200)
    font = _font(max(12, shortest // 28))
    around = max(1, line // 2)
    for face in marks:
        left, top, right, bottom = _corners(face.box)
        draw.rectangle(
            (left - around, top - around, right + around, bottom + around),
            outline=_readable_on(face.colour),
            width=around,
        )
        draw.rectangle((left, top, right, bottom), outline=face.colour, width=line)
    pad = line + 1
    placed: list[_Corners] = []
    for face in marks:
        _, _, text_width, text_height = draw.textbbox((0, 0), face.text, font=font)
        size = int(text_width) + 2 * pad, int(text_height) + 2 * pad
        others = [_corners(other.box) for other in marks if other is not face]
        label = _label_place(face.box, size, picture.size, placed, others)
        placed.append(label)
        draw.rectangle(label, fill=face.colour, outline=_readable_on(face.colour))
        draw.text((label[0] + pad, label[1] + pad), face.text, fill=_readable_on(face.colour), font=font)


def _corners(box: tuple[int, int, int, int]) -> _Corners:
    x, y, width, height = box
    return x, y, x + width, y + height


def _label_place(
    box: tuple[int, int, int, int],
    size: tuple[int, int],
    picture: tuple[int, int],
    labels: Sequence[_Corners],
    boxes: Sequence[_Corners],
) -> _Corners:
    """Return where the label of a box covers least of other labels and boxes: above it, if that is free.

    Args:
        box: x, y, width and height of the face.
        size: Width and height of the label.
        picture: Width and height of the picture.
        labels: The labels that have their place.
        boxes: The boxes of the other faces.
    """
    (left, top, right, bottom), (width, height) = _corners(box), size
    candidates = (
        (left, top - height),
        (left, bottom),
        (right - width, top - height),
        (right - width, bottom),
        (right, top),
        (left - width, top),
        (right, bottom - height),
        (left - width, bottom - height),
        (left, bottom - height),  # inside the box
    )

    def inside(place: tuple[int, int]) -> _Corners:
        x = max(0, min(place[0], picture[0] - width))
        y = max(0, min(place[1], picture[1] - height))
        return x, y, x + width, y + height

    def cost(place: _Corners) -> int:
        covered = sum(_common(place, other) for other in boxes) + 4 * sum(_common(place, o) for o in labels)
        return covered + _common(place, (left, top, right, bottom)) // 2

    return min(map(inside, candidates), key=cost)


def _common(first: _Corners, second: _Corners) -> int:
    """Return the area in pixels that two rectangles share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, width) * max(0, height)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _readable_on(colour: str) -> str:
    """Return black or white, whichever differs more from a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else "#FFFFFF"
