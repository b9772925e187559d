"""Face detection on typical photos: small, large, at the edge, in the dark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fer_core.inference import FaceDetector
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB")


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    found = FaceDetector()
    assert found.name == "YuNet"  # the other detector would have other results
    return found


def in_the_dark(pixels: np.ndarray, light: float) -> np.ndarray:
    """Darken to this share of the light, and add the corresponding sensor noise."""
    noise = np.random.default_rng(0).normal(0, 4, pixels.shape)
    return np.clip(light * pixels.astype(float) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("light", [1 / 4, 1 / 14])
@pytest.mark.parametrize("grey", [False, True])
def test_a_face_is_found_in_the_dark_where_it_stands_in_the_light(
    portrait: Image.Image, detector: FaceDetector, light: float, grey: bool
) -> None:
    canvas = np.full((480, 640, 3), 110, np.uint8)
    canvas[40:200, 120:280] = np.asarray(portrait.resize((160, 160)))
    pixels = np.asarray(Image.fromarray(canvas).convert("L")) if grey else canvas
    (expected,) = detector.detect(pixels)
    (found,) = detector.detect(in_the_dark(pixels, light))
    assert np.abs(np.subtract(found.box, expected.box)).max() < 0.25 * expected.box[2]


def test_a_dark_picture_without_a_face_has_none(detector: FaceDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 40, (480, 640, 3)).astype(np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.zeros((480, 640, 3), np.uint8)) == []
    assert detector.detect(np.zeros((480, 640), np.uint8)) == []


@pytest.mark.parametrize("side", [60, 160, 2000])
def test_faces_of_any_size_are_found(portrait: Image.Image, detector: FaceDetector, side: int) -> None:
    """The picture's side; the face takes about a quarter of it."""
    cut = portrait.crop((150, 30, 330, 210)) if side == 60 else portrait
    (found,) = detector.detect(np.asarray(cut.resize((side, side))))
    assert (
        0.1 * side < found.box[2] < 0.9 * side
        and found.landmarks is not None
        and found.landmarks.shape == (5, 2)
    )


def canvas(
    portrait: Image.Image, size: tuple[int, int], places: list[tuple[int, int]], side: int
) -> np.ndarray:
    """Paste the head of the portrait, `side` pixels wide, on a plain ground."""
    picture = Image.new("RGB", size, (95, 105, 115))
    head = portrait.crop((130, 20, 330, 220)).resize((side, side))
    for place in places:
        picture.paste(head, place)
    return np.asarray(picture)


@pytest.mark.parametrize("side", [400, 800, 1600])
def test_a_closeup_is_found(portrait: Image.Image, detector: FaceDetector, side: int) -> None:
    """Faces of more than 500 pixels are found in a smaller picture."""
    cut = portrait.crop((165, 50, 285, 190)).resize((side * 120 // 140, side))
    (face,) = detector.detect(np.asarray(cut))
    assert face.box[3] > 0.6 * side and face.rotation == 0


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("side", [512, 1500])
def test_a_picture_on_its_side_or_head_is_turned(
    portrait: Image.Image, detector: FaceDetector, rotation: int, side: int
) -> None:
    """Box and landmarks are those of the picture as it came."""
    upright = portrait.resize((side, side))
    (expected,) = detector.detect(np.asarray(upright))
    (face,) = detector.detect(np.asarray(upright.rotate(rotation, expand=True)))  # anticlockwise
    assert face.rotation == rotation
    x, y, width, height = expected.box
    left, top = {
        90: (y, side - x - width),
        180: (side - x - width, side - y - height),
        270: (side - y - height, x),
    }[rotation]
    assert np.abs(np.subtract(face.box[:2], (left, top))).max() < 0.15 * width
    assert face.landmarks is not None and expected.landmarks is not None
    right_eye, mouth = face.landmarks[0], face.landmarks[3]
    down = {90: (1, 0), 180: (0, -1), 270: (-1, 0)}[rotation]  # from the eye to the mouth
    assert (mouth - right_eye) @ down > 0.3 * width


@pytest.mark.parametrize("angle", [-60, -45, -30, 30, 45, 60])
def test_a_tilted_face_is_found(portrait: Image.Image, detector: FaceDetector, angle: int) -> None:
    tilted = portrait.rotate(angle, Image.Resampling.BILINEAR, fillcolor=(95, 105, 115))
    (face,) = detector.detect(np.asarray(tilted))
    assert abs((angle - face.rotation + 180) % 360 - 180) <= 45  # at most this is left for the model


def test_small_faces_in_a_large_picture_are_found_once(portrait: Image.Image, detector: FaceDetector) -> None:
    """Wherever the borders of the tiles are."""
    places = [(20 + 259 * i, 20 + 211 * (i % 5)) for i in range(10)]
    faces = detector.detect(canvas(portrait, (2800, 1200), places, 120))
    assert len(faces) == len(places)
    for face, (x, y) in zip(faces, places, strict=True):
        assert x < face.box[0] + face.box[2] / 2 < x + 120 and y < face.box[1] + face.box[3] / 2 < y + 120


def test_a_panorama_keeps_its_faces(portrait: Image.Image, detector: FaceDetector) -> None:
    places = [(300, 200), (4100, 500), (8900, 300)]
    assert len(detector.detect(canvas(portrait, (9600, 800), places, 240))) == 3


def test_a_tiny_face_is_found_in_the_enlarged_picture(portrait: Image.Image, detector: FaceDetector) -> None:
    pixels = canvas(portrait, (640, 480), [(300, 200)], 26)  # the face takes half of that
    assert detector.detect(pixels, one_look=True) == []
    (face,) = detector.detect(pixels)
    assert 295 < face.box[0] < 330 and face.box[2] < 26


@pytest.mark.parametrize("size", [(330, 32), (2000, 60), (32, 330), (1024, 3), (1, 1), (1, 4000), (64, 31)])
@pytest.mark.parametrize("kind", ["plain", "noise", "ramp"])
def test_strips_have_no_face(detector: FaceDetector, size: tuple[int, int], kind: str) -> None:
    """On grids of one cell OpenCV's detector answers with what happens to be in memory."""
    width, height = size
    pixels = np.full((height, width, 3), 200, np.uint8)
    if kind == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, pixels.shape).astype(np.uint8)
    elif kind == "ramp":
        pixels[:] = np.linspace(0, 255, width)[None, :, None]
    assert detector.detect(pixels) == detector.detect(pixels) == []


def test_one_look_stays_one_look(portrait: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_core.inference.yunet import YuNet

    looks = []
    find = YuNet.find
    monkeypatch.setattr(YuNet, "find", lambda self, pixels: looks.append(pixels.shape) or find(self, pixels))
    detector = FaceDetector()
    detector.detect(np.asarray(portrait))
    assert len(looks) == 1  # a clear face needs no other
    detector.detect(np.full((480, 640, 3), 128, np.uint8), one_look=True)
    assert len(looks) == 2
    detector.detect(np.full((480, 640, 3), 128, np.uint8))
    assert len(looks) > 5


def test_a_tilted_face_that_is_faint_is_looked_at_tilted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look finds it, and closer looks that are not tilted do not: it was dropped."""
    pixels = np.asarray(
        Image.open(ROOT / "pages" / "assets" / "portrait.jpg")
        .convert("RGB")
        .rotate(-18, fillcolor=(127, 127, 127))
    )
    detector = FaceDetector()
    (found,) = detector.detect(pixels, one_look=True)
    faint = replace(found, score=0.7)
    monkeypatch.setattr(detector, "_in_all_turns", lambda *_: [0.0] * 4)
    assert detector._checked(pixels, [faint])
    nothing = replace(faint, box=(2.0, 200.0, 40.0, 40.0))
    assert detector._checked(pixels, [nothing]) == []
