"""Draw boxes and labels on a picture."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from ..emotions import COLOURS
from .predict import FacePrediction

_UNSURE = "#8C8C8C"


def draw_predictions(picture: Image.Image, faces: list[FacePrediction], unsure_below: float = 0.0) -> Image.Image:
    """A copy of `picture` (RGB) with each face's box, label and probability in the colour of its class; those that the model is
    less sure of than `unsure_below` are grey and called unsure."""
    out = picture.convert("RGB")
    draw = ImageDraw.Draw(out)
    shortest = min(out.size)
    line = max(2, shortest // 200)
    font = ImageFont.load_default(size=max(12, shortest // 28))
    for face in faces:
        x, y, width, height = face.box
        unsure = face.unsure(unsure_below)
        colour = _UNSURE if unsure else COLOURS.get(face.label, "#FFFFFF")
        draw.rectangle((x, y, x + width, y + height), outline=colour, width=line)
        text = "unsure" if unsure else f"{face.label} {face.confidence:.0%}"
        _, _, text_width, text_height = draw.textbbox((0, 0), text, font=font)
        pad = line + 1
        top = y - text_height - 2 * pad
        if top < 0:  # no room above the box
            top = min(y + height, out.height - text_height - 2 * pad)
        left = max(0, min(x, out.width - text_width - 2 * pad))
        draw.rectangle((left, top, left + text_width + 2 * pad, top + text_height + 2 * pad), fill=colour)
        draw.text((left + pad, top + pad), text, fill="#000000" if _bright(colour) else "#FFFFFF", font=font)
    return out


def _bright(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 110
