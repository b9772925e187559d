"""Detect -> crop -> classify, for pictures with any number of faces."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from PIL import Image

from .. import imaging
from ..bundles.bundle import PHOTO_MODEL, Bundle, find_bundle
from ..bundles.classifier import Classifier
from ..errors import ImageError
from ..picture_files import Source
from .detector import Face, FaceDetector

# Side of the square crop divided by the square root of the area of YuNet's box. On 1,445 random FER2013
# training images with a face found by YuNet the median is 48 / 44.3 = 1.08, so photos are cropped like the
# training images.
CROP_SCALE = 1.08


# A path, the bytes of a file (bytes, bytearray, memoryview), a binary file, a data: URI, a uint8 array (H, W)
# or (H, W, 3) in RGB, or a Pillow image.
Picture = Source | np.ndarray | Image.Image


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
    # Degrees clockwise by which the picture was turned to show the model an upright face, a multiple of 45.
    rotation: int = 0
    crop_landmarks: np.ndarray | None = None  # (5, 2), in pixels of the crop

    def unsure(self, below: float) -> bool:
        """Return whether the confidence is below a threshold, 0 to 1.

        `metrics.calibration.selective_accuracy` measures the effect of one.
        """
        return self.confidence < below


@dataclass(frozen=True)
class PicturePrediction:
    """Faces of one picture, and how it was read."""

    faces: list[FacePrediction]  # from left to right
    picture: Image.Image  # upright, mode L or RGB; reduced if it is very large
    size: tuple[int, int]  # width and height that boxes and landmarks refer to
    frame: int = 1  # number of the picture in its file
    frames: int = 1  # pictures in the file
    note: str = ""  # one sentence if a part of the file is missing

    @property
    def cut_off(self) -> bool:
        """Return whether a part of the file is missing."""
        return bool(self.note)

    @property
    def notes(self) -> list[str]:
        """Describe what a reader should know about the picture, one short sentence each."""
        notes = [self.note] if self.note else []
        if self.frames > 1:
            notes.append(f"Frame {self.frame:,} of {self.frames:,}.")
        turns = sorted({face.rotation for face in self.faces if face.rotation})
        if turns:
            notes.append(f"Turned by {' and '.join(f'{turn}°' for turn in turns)} to show the face upright.")
        return notes


class Predictor:
    """Detector and classifier of the faces in pictures. One object may be used from several threads.

    Without a model, it takes `photo`, the shipped one for photos.
    """

    def __init__(self, model: str | Bundle | None = None) -> None:
        bundle = model if isinstance(model, Bundle) else find_bundle(model or PHOTO_MODEL)
        self.classifier = Classifier(bundle)
        self.detector = FaceDetector()

    def predict(
        self, image: Picture, *, detect: bool = True, name: str | None = None, one_look: bool = False
    ) -> list[FacePrediction]:
        """Find and classify the faces of one picture, from left to right.

        Args:
            image: A path, the bytes of a file (bytes, bytearray, memoryview), an open binary file, a data:
                URI, a uint8 array (H, W) or (H, W, 3) in RGB, or a Pillow image.
            detect: Detect faces; if False, the whole picture is one face.
            name: Name in error messages; the path by default.
            one_look: Look for faces once, see `FaceDetector.detect`.

        Raises:
            ImageError: The picture cannot be read.
        """
        return self._predictions([self._find(image, detect, name, one_look)[1]])[0]

    def predict_picture(
        self, image: Picture, *, detect: bool = True, name: str | None = None, one_look: bool = False
    ) -> PicturePrediction:
        """Find and classify the faces of one picture, and return them with the picture.

        Of a file with several pictures (GIF, WebP, APNG, TIFF) the first counts; where it has no face, the
        first that has one of up to 20 spread over the file.

        Args:
            image: See `predict`.
            detect: Detect faces; if False, the whole picture is one face.
            name: Name in error messages; the path by default.
            one_look: Look for faces once, see `FaceDetector.detect`.

        Raises:
            ImageError: The picture cannot be read.
        """
        opened, cuts = self._find(image, detect, name, one_look)
        (faces,) = self._predictions([cuts])
        opened = opened or next(iter(_frames(image, name)))
        return PicturePrediction(faces, opened.picture, opened.size, opened.frame, opened.frames, opened.note)

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
                cuts.append(self._find(image, detect)[1])
            except ImageError as error:
                if on_error == "raise":
                    raise
                errors[i] = error
                cuts.append([])
        predictions = self._predictions(cuts)
        return [errors.get(i, faces) for i, faces in enumerate(predictions)] if errors else predictions

    def classify(self, pixels: np.ndarray, faces: list[Face]) -> list[FacePrediction]:
        """Classify the `faces` found in `pixels`, (H, W) grey or (H, W, 3) RGB, uint8.

        All faces pass the network together.
        """
        return self._predictions([_cuts(pixels, faces, _size(pixels))])[0]

    def _find(
        self, image: Picture, detect: bool, name: str | None = None, one_look: bool = False
    ) -> tuple[imaging.Opened | None, list[_Cut]]:
        """Return the picture and its faces; None for an array that is searched as it is."""
        if isinstance(image, np.ndarray) and detect:
            pixels = imaging.pixels_of(image)
            if not imaging.is_reduced(_size(pixels)):
                faces = self.detector.detect(pixels, one_look=one_look)
                return None, _cuts(pixels, faces, _size(pixels))
        first = None
        for opened in _frames(image, name):
            first = first or opened
            if not detect:
                return opened, [_Cut((0, 0, *opened.size), 1.0, imaging.to_grey_48(opened.picture), None)]
            pixels = np.asarray(opened.picture)
            if faces := self.detector.detect(pixels, one_look=one_look):
                return opened, _cuts(pixels, faces, opened.size)
        assert first is not None  # a file has at least one picture, or is an error
        return first, []

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
                    face.rotation,
                    face.crop_landmarks,
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
    rotation: int = 0
    crop_landmarks: np.ndarray | None = None


def _size(pixels: np.ndarray) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def _cuts(pixels: np.ndarray, faces: Iterable[Face], size: tuple[int, int]) -> list[_Cut]:
    """Crop the faces of a picture, whose original width and height are `size`."""
    scale = np.array(size) / _size(pixels)
    return [
        _Cut(
            box=_inside((np.array(face.box).reshape(2, 2) * scale).ravel().tolist(), *size),
            score=round(face.score, 4),
            crop=imaging.to_grey_48(crop_square(pixels, face)),
            landmarks=None if face.landmarks is None else face.landmarks * scale,
            rotation=face.rotation,
            crop_landmarks=landmarks_in_crop(face),
        )
        for face in faces
    ]


def _frames(image: Picture, name: str | None) -> Iterable[imaging.Opened]:
    """Return the pictures of a file, upright, in mode L or RGB and large enough for their faces."""
    if isinstance(image, np.ndarray | Image.Image):
        picture = open_picture(image)
        return [imaging.Opened(imaging.reduced(picture), picture.size)]
    return imaging.open_frames(image, name, smaller=True)


def open_picture(image: Picture) -> Image.Image:
    """Return any picture as an upright L or RGB image."""
    if isinstance(image, np.ndarray):
        return imaging.from_array(image)
    if isinstance(image, Image.Image):
        return imaging.upright(image)
    return imaging.open_image(image)


def crop_square(pixels: np.ndarray, face: Face) -> Image.Image:
    """Return the upright square around a face that the model gets, at the picture's resolution.

    Args:
        pixels: The picture, (H, W) grey or (H, W, 3) RGB, uint8; its edge is repeated outside.
        face: Found in it.
    """
    middle, side = _crop_place(face)
    if face.rotation % 90 == 0:
        square = _square(pixels, middle, side)
        return square.rotate(-face.rotation) if face.rotation else square
    reach = math.ceil(side * math.sqrt(2)) + 2  # holds the square at any angle
    turned = _square(pixels, middle, reach).rotate(-face.rotation, Image.Resampling.BILINEAR)
    edge = (reach - side) // 2
    return turned.crop((edge, edge, edge + side, edge + side))


def _crop_place(face: Face) -> tuple[tuple[float, float], int]:
    """Return the middle and the side of the crop in pixels of the picture."""
    x, y, width, height = face.box
    side = max(2, round(CROP_SCALE * float(np.sqrt(max(1.0, width) * max(1.0, height)))))
    return (x + width / 2, y + height / 2), side


def landmarks_in_crop(face: Face) -> np.ndarray | None:
    """Return the (5, 2) landmarks in pixels of the 48x48 crop; None without landmarks."""
    if face.landmarks is None:
        return None
    middle, side = _crop_place(face)
    angle = math.radians(face.rotation)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (face.landmarks - middle) @ turn.T * (imaging.SIZE / side) + imaging.SIZE / 2


def _square(pixels: np.ndarray, middle: tuple[float, float], side: int) -> Image.Image:
    height, width = pixels.shape[:2]
    left, top = round(middle[0] - side / 2), round(middle[1] - side / 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x0 >= x1 or y0 >= y1:  # entirely outside: nothing to repeat
        return Image.fromarray(pixels).resize((side, side))
    inside = pixels[y0:y1, x0:x1]
    if inside.shape[:2] != (side, side):
        pad = [(y0 - top, top + side - y1), (x0 - left, left + side - x1)]
        inside = np.pad(inside, pad + [(0, 0)] * (pixels.ndim - 2), mode="edge")
    return Image.fromarray(inside)


def _inside(box: Sequence[float], width: int, height: int) -> tuple[int, int, int, int]:
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(width, round(box[0] + box[2])), min(height, round(box[1] + box[3]))
    return (min(x0, width - 1), min(y0, height - 1), max(1, x1 - x0), max(1, y1 - y0))
