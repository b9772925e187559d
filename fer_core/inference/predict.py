"""Detect -> crop -> classify, for one picture with any number of faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import imaging
from ..bundle import Bundle, find_bundle
from .classifier import Classifier
from .detector import Face, FaceDetector

# Side of the square crop over the square root of the area of YuNet's box. On 1,445 random FER2013 training images in which
# YuNet finds a face the median is 48 / 44.3 = 1.08, so this cuts photos as the training images were cut.
CROP_SCALE = 1.08


@dataclass(frozen=True)
class FacePrediction:
    """A face and what the model says of it."""

    box: tuple[int, int, int, int]  # x, y, width, height in pixels of the upright picture, inside it
    score: float  # of the detector, 0..1
    probabilities: dict[str, float]  # by label name, sums to 1
    crop: np.ndarray  # (48, 48) uint8, what the model saw

    @property
    def label(self) -> str:
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def confidence(self) -> float:
        return max(self.probabilities.values())

    def unsure(self, below: float) -> bool:
        """Whether its confidence is below a threshold, 0 to 1; the Trust view of Evaluate and `at_threshold` tell what one brings."""
        return self.confidence < below

    def as_json(self) -> dict[str, Any]:
        """The form of `python -m fer_core predict --json`."""
        return {"box": list(self.box), "score": self.score, "label": self.label, "probabilities": self.probabilities}


class Predictor:
    """Classifies the faces of pictures with one model. One object may be used from several threads."""

    def __init__(self, model: str | Bundle | None = None) -> None:
        bundle = model if isinstance(model, Bundle) else find_bundle(model)
        self.classifier = Classifier(bundle)
        self.detector = FaceDetector()

    def predict(self, image: str | Path | bytes | np.ndarray | Image.Image, *, detect: bool = True) -> list[FacePrediction]:
        """The faces of one picture, from the left to the right.

        Args:
            image: a path, the bytes of a file, a uint8 array (H, W) or (H, W, 3) in RGB, or a Pillow image.
            detect: look for faces; else the whole picture is taken as one face.

        Raises:
            ImageError: it cannot be read.
        """
        picture = open_picture(image)
        if detect:
            faces = self.detector.detect(np.asarray(picture))
        else:
            faces = [Face((0.0, 0.0, float(picture.width), float(picture.height)), 1.0)]
        return self.classify(picture, faces, whole=not detect)

    def classify(self, picture: Image.Image, faces: list[Face], *, whole: bool = False) -> list[FacePrediction]:
        """The predictions for `faces` found in `picture`; all faces pass the network together."""
        if not faces:
            return []
        crops = np.stack([imaging.to_grey_48(picture if whole else crop_square(picture, face)) for face in faces])
        rows = self.classifier.probabilities(crops)
        return [
            FacePrediction(
                box=_inside(face.box, picture.width, picture.height),
                score=round(face.score, 4),
                probabilities={name: float(p) for name, p in zip(self.classifier.labels, row, strict=True)},
                crop=crop,
            )
            for face, row, crop in zip(faces, rows, crops, strict=True)
        ]


def open_picture(image: str | Path | bytes | np.ndarray | Image.Image) -> Image.Image:
    """An upright L or RGB picture from whatever form it comes in."""
    if isinstance(image, np.ndarray):
        return imaging.from_array(image)
    if isinstance(image, Image.Image):
        return imaging.upright(image)
    return imaging.open_image(image)


def crop_square(picture: Image.Image, face: Face) -> Image.Image:
    """The square around a face that the model is given, at the picture's resolution; beyond the edge the edge is repeated."""
    x, y, width, height = face.box
    side = max(2, round(CROP_SCALE * float(np.sqrt(max(1.0, width) * max(1.0, height)))))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    right, bottom = left + side, top + side
    inside = (max(0, left), max(0, top), min(picture.width, right), min(picture.height, bottom))
    if inside == (left, top, right, bottom):
        return picture.crop(inside)
    if inside[0] >= inside[2] or inside[1] >= inside[3]:  # wholly outside: nothing to repeat
        return picture.resize((side, side))
    pad = [(inside[1] - top, bottom - inside[3]), (inside[0] - left, right - inside[2])]
    pixels = np.asarray(picture.crop(inside))
    return Image.fromarray(np.pad(pixels, pad + [(0, 0)] * (pixels.ndim - 2), mode="edge"))


def _inside(box: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(width, round(box[0] + box[2])), min(height, round(box[1] + box[3]))
    return (min(x0, width - 1), min(y0, height - 1), max(1, x1 - x0), max(1, y1 - y0))
