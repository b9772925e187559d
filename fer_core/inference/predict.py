"""Detect -> crop -> classify, for pictures with any number of faces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from PIL import Image

from .. import imaging
from ..bundle import Bundle, find_bundle
from ..errors import ImageError
from .classifier import Classifier
from .detector import Face, FaceDetector

# Side of the square crop over the square root of the area of YuNet's box. On 1,445 random FER2013 training images in which
# YuNet finds a face the median is 48 / 44.3 = 1.08, so this cuts photos as the training images were cut.
CROP_SCALE = 1.08


# A path, the bytes of a file, a uint8 array (H, W) or (H, W, 3) in RGB, or a Pillow image.
Picture = str | Path | bytes | np.ndarray | Image.Image


class Judged:
    """What has probabilities has a label."""

    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def confidence(self) -> float:
        return max(self.probabilities.values())


@dataclass(frozen=True)
class FacePrediction(Judged):
    """A face and what the model says of it."""

    box: tuple[int, int, int, int]  # x, y, width, height in pixels of the upright picture, inside it
    score: float  # of the detector, 0..1
    probabilities: dict[str, float]  # by label name, sums to 1
    crop: np.ndarray  # (48, 48) uint8, what the model saw
    landmarks: np.ndarray | None = (
        None  # (5, 2) of the detector, see `Face`, in pixels of the upright picture
    )

    def unsure(self, below: float) -> bool:
        """Whether its confidence is below a threshold, 0 to 1; the Trust view of Evaluate and `at_threshold` tell what one brings."""
        return self.confidence < below

    def as_json(self) -> dict[str, Any]:
        """The form of `python -m fer_core predict --json`."""
        return {
            "box": list(self.box),
            "score": self.score,
            "label": self.label,
            "probabilities": self.probabilities,
        }


class Predictor:
    """Classifies the faces of pictures with one model. One object may be used from several threads."""

    def __init__(self, model: str | Bundle | None = None) -> None:
        bundle = model if isinstance(model, Bundle) else find_bundle(model)
        self.classifier = Classifier(bundle)
        self.detector = FaceDetector()

    def predict(
        self, image: Picture, *, detect: bool = True, name: str | None = None
    ) -> list[FacePrediction]:
        """The faces of one picture, from the left to the right.

        Args:
            image: a path, the bytes of a file, a uint8 array (H, W) or (H, W, 3) in RGB, or a Pillow image.
            detect: look for faces; else the whole picture is taken as one face.
            name: how an error calls it; its path by default.

        Raises:
            ImageError: it cannot be read.
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
        """The faces of several pictures in their order; one picture is in memory at a time, and all faces pass the network together.

        Args:
            images: as `predict` takes them; a generator is read picture by picture.
            detect: look for faces; else each whole picture is taken as one face.
            on_error: "return" puts the ImageError of a picture that cannot be read in its place and goes on.

        Raises:
            ImageError: one cannot be read, and `on_error` is "raise".
        """
        found: list[list[_Cut]] = []
        errors: dict[int, ImageError] = {}
        for i, image in enumerate(images):
            try:
                found.append(self._find(image, detect))
            except ImageError as error:
                if on_error == "raise":
                    raise
                errors[i] = error
                found.append([])
        predictions = self._predictions(found)
        return [errors.get(i, faces) for i, faces in enumerate(predictions)] if errors else predictions

    def classify(self, picture: Image.Image, faces: list[Face]) -> list[FacePrediction]:
        """The predictions for `faces` found in `picture`; all faces pass the network together."""
        return self._predictions([[_cut(picture, face, picture.size) for face in faces]])[0]

    def _find(self, image: Picture, detect: bool, name: str | None = None) -> list[_Cut]:
        picture, size = _for_faces(image, name)
        if not detect:
            box = (0, 0, *size)
            return [_Cut(box, 1.0, imaging.to_grey_48(picture), None)]
        return [_cut(picture, face, size) for face in self.detector.detect(np.asarray(picture))]

    def _predictions(self, found: list[list[_Cut]]) -> list[list[FacePrediction]]:
        """The faces of several pictures, classified in one batch."""
        crops = [face.crop for faces in found for face in faces]
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
            for faces in found
        ]


@dataclass(frozen=True)
class _Cut:
    """A found face that is ready for the network; the fields are those of `FacePrediction`."""

    box: tuple[int, int, int, int]
    score: float
    crop: np.ndarray
    landmarks: np.ndarray | None


def _cut(picture: Image.Image, face: Face, size: tuple[int, int]) -> _Cut:
    """A face of `picture`, whose width and height are `size` in full."""
    scale = np.array([size[0] / picture.width, size[1] / picture.height])
    x, y, width, height = (np.array(face.box).reshape(2, 2) * scale).ravel().tolist()
    return _Cut(
        box=_inside((x, y, width, height), *size),
        score=round(face.score, 4),
        crop=imaging.to_grey_48(crop_square(picture, face)),
        landmarks=None if face.landmarks is None else face.landmarks * scale,
    )


def _for_faces(image: Picture, name: str | None) -> tuple[Image.Image, tuple[int, int]]:
    """An upright L or RGB picture large enough for its faces, and the size that it has in full."""
    if isinstance(image, np.ndarray | Image.Image):
        picture = open_picture(image)
        return imaging.reduced(picture), picture.size
    return imaging.open_reduced(image, name)


def open_picture(image: Picture) -> Image.Image:
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
