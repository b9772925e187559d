"""Detect -> crop -> classify, for pictures with any number of faces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from PIL import Image

from .. import imaging
from ..bundles.bundle import Bundle, find_bundle
from ..bundles.classifier import Classifier
from ..errors import ImageError
from .detector import Face, FaceDetector

# Side of the square crop divided by the square root of the area of YuNet's box. On 1,445 random FER2013
# training images with a face found by YuNet the median is 48 / 44.3 = 1.08, so photos are cropped like the
# training images.
CROP_SCALE = 1.08


# A path, the bytes of a file, a uint8 array (H, W) or (H, W, 3) in RGB, or a Pillow image.
Picture = str | Path | bytes | np.ndarray | Image.Image


class Classified:
    """Base of results with probabilities."""

    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def confidence(self) -> float:
        return max(self.probabilities.values())


@dataclass(frozen=True)
class FacePrediction(Classified):
    """Face with a model's prediction."""

    box: tuple[int, int, int, int]  # x, y, width, height in pixels of the upright picture, inside it
    score: float  # detector confidence, 0..1
    probabilities: dict[str, float]  # by label name, sums to 1
    crop: np.ndarray  # (48, 48) uint8, the model's input
    # (5, 2) of the detector, see `Face`, in pixels of the upright picture
    landmarks: np.ndarray | None = None

    def unsure(self, below: float) -> bool:
        """Return whether the confidence is below a threshold, 0 to 1.

        `metrics.calibration.selective_accuracy` measures the effect of one.
        """
        return self.confidence < below

    def as_json(self) -> dict[str, Any]:
        """Return the form of `python -m fer_core predict --json`."""
        return {
            "box": list(self.box),
            "score": self.score,
            "label": self.label,
            "probabilities": self.probabilities,
        }


class Predictor:
    """Detector and classifier of the faces in pictures. One object may be used from several threads."""

    def __init__(self, model: str | Bundle | None = None) -> None:
        bundle = model if isinstance(model, Bundle) else find_bundle(model)
        self.classifier = Classifier(bundle)
        self.detector = FaceDetector()

    def predict(
        self, image: Picture, *, detect: bool = True, name: str | None = None
    ) -> list[FacePrediction]:
        """Find and classify the faces of one picture, from left to right.

        Args:
            image: A path, the bytes of a file, a uint8 array (H, W) or (H, W, 3) in RGB, or a Pillow image.
            detect: Detect faces; if False, the whole picture is one face.
            name: Name in error messages; the path by default.

        Raises:
            ImageError: The picture cannot be read.
        """
        return self._predictions([self._find(image, detect, name)])[0]

    @overload
    def predict_many(
        self, images: Iterable[Picture], *, detect: bool = True, on_error: Literal["raise"] = "raise"
    ) -> list[list[FacePrediction]]: ...

    @overload
    def predict_many(
        self, images: Iterable[Picture], *, detect: bool = True, on_error: Literal["return"]
    ) -> list[list[FacePrediction] | ImageError]: ...

    def predict_many(
        self,
        images: Iterable[Picture],
        *,
        detect: bool = True,
        on_error: Literal["raise", "return"] = "raise",
    ) -> list[list[FacePrediction]] | list[list[FacePrediction] | ImageError]:
        """Find and classify the faces of several pictures, in their order.

        One picture is in memory at a time, and all faces pass the network together.

        Args:
            images: See `predict`; a generator is read picture by picture.
            detect: Detect faces; if False, each whole picture is one face.
            on_error: "return" replaces the result of an unreadable picture by its ImageError and continues.

        Raises:
            ImageError: A picture cannot be read, and `on_error` is "raise".
        """
        cuts: list[list[_Cut]] = []
        errors: dict[int, ImageError] = {}
        for i, image in enumerate(images):
            try:
                cuts.append(self._find(image, detect))
            except ImageError as error:
                if on_error == "raise":
                    raise
                errors[i] = error
                cuts.append([])
        predictions = self._predictions(cuts)
        return [errors.get(i, faces) for i, faces in enumerate(predictions)] if errors else predictions

    def classify(self, picture: Image.Image, faces: list[Face]) -> list[FacePrediction]:
        """Classify the `faces` found in `picture`; all faces pass the network together."""
        return self._predictions([[_cut(picture, face, picture.size) for face in faces]])[0]

    def _find(self, image: Picture, detect: bool, name: str | None = None) -> list[_Cut]:
        picture, size = _for_faces(image, name)
        if not detect:
            box = (0, 0, *size)
            return [_Cut(box, 1.0, imaging.to_grey_48(picture), None)]
        return [_cut(picture, face, size) for face in self.detector.detect(np.asarray(picture))]

    def _predictions(self, cuts: list[list[_Cut]]) -> list[list[FacePrediction]]:
        """Classify the faces of several pictures in one batch."""
        crops = [face.crop for faces in cuts for face in faces]
        rows = iter(self.classifier.probabilities(np.stack(crops)) if crops else [])
        labels = self.classifier.labels
        return [
            [
                FacePrediction(
                    face.box,
                    face.score,
                    {name: float(p) for name, p in zip(labels, next(rows), strict=True)},
                    face.crop,
                    face.landmarks,
                )
                for face in faces
            ]
            for faces in cuts
        ]


@dataclass(frozen=True)
class _Cut:
    """Face that is ready for the network; the fields are those of `FacePrediction`."""

    box: tuple[int, int, int, int]
    score: float
    crop: np.ndarray
    landmarks: np.ndarray | None


def _cut(picture: Image.Image, face: Face, size: tuple[int, int]) -> _Cut:
    """Crop a face of `picture`, whose original width and height are `size`."""
    scale = np.array([size[0] / picture.width, size[1] / picture.height])
    x, y, width, height = (np.array(face.box).reshape(2, 2) * scale).ravel().tolist()
    return _Cut(
        box=_inside((x, y, width, height), *size),
        score=round(face.score, 4),
        crop=imaging.to_grey_48(crop_square(picture, face)),
        landmarks=None if face.landmarks is None else face.landmarks * scale,
    )


def _for_faces(image: Picture, name: str | None) -> tuple[Image.Image, tuple[int, int]]:
    """Return an upright L or RGB picture large enough for its faces, and its original size."""
    if isinstance(image, np.ndarray | Image.Image):
        picture = open_picture(image)
        return imaging.reduced(picture), picture.size
    return imaging.open_reduced(image, name)


def open_picture(image: Picture) -> Image.Image:
    """Return any picture as an upright L or RGB image."""
    if isinstance(image, np.ndarray):
        return imaging.from_array(image)
    if isinstance(image, Image.Image):
        return imaging.upright(image)
    return imaging.open_image(image)


def crop_square(picture: Image.Image, face: Face) -> Image.Image:
    """Return the square around a face that the model gets, at the picture's resolution.

    Its edge is repeated outside.
    """
    x, y, width, height = face.box
    side = max(2, round(CROP_SCALE * float(np.sqrt(max(1.0, width) * max(1.0, height)))))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    right, bottom = left + side, top + side
    inside = (max(0, left), max(0, top), min(picture.width, right), min(picture.height, bottom))
    if inside == (left, top, right, bottom):
        return picture.crop(inside)
    if inside[0] >= inside[2] or inside[1] >= inside[3]:  # entirely outside: nothing to repeat
        return picture.resize((side, side))
    pad = [(inside[1] - top, bottom - inside[3]), (inside[0] - left, right - inside[2])]
    pixels = np.asarray(picture.crop(inside))
    return Image.fromarray(np.pad(pixels, pad + [(0, 0)] * (pixels.ndim - 2), mode="edge"))


def _inside(box: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(width, round(box[0] + box[2])), min(height, round(box[1] + box[3]))
    return (min(x0, width - 1), min(y0, height - 1), max(1, x1 - x0), max(1, y1 - y0))
