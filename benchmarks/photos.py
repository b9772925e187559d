"""How often detect + classify says what a person said of real photos, by model and by the way the face is cut out.

    python benchmarks/photos.py ../shared/photos [MODEL ...]

The folder holds pictures and labels.csv (image, emotion). A photo without a found face counts as wrong. The photos are few, so
every share carries its 95 % interval, and ways are compared on the same photos.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.bundle import find_bundle, shipped
from fer_core.emotions import NAMES
from fer_core.evaluation.metrics import wilson_interval
from fer_core.imaging import open_image, to_grey_48
from fer_core.inference import predict
from fer_core.inference.classifier import Classifier
from fer_core.inference.detector import Face, FaceDetector

SCALES = (0.9, 1.0, 1.08, 1.2, 1.3, 1.45)


def as_it_is(crop: np.ndarray) -> np.ndarray:
    return crop


def equalised(crop: np.ndarray) -> np.ndarray:
    return cv2.equalizeHist(crop)


def clahe(crop: np.ndarray) -> np.ndarray:
    return cv2.createCLAHE(2.0, (4, 4)).apply(crop)


def green(picture: Image.Image) -> Image.Image:
    return picture.split()[1] if picture.mode == "RGB" else picture


def largest(faces: list[Face]) -> Face | None:
    return max(faces, key=lambda face: face.box[2] * face.box[3], default=None)


def crops(pictures: list[Image.Image], faces: list[Face | None], scale: float) -> np.ndarray:
    """(N, 48, 48) uint8, black where no face was found."""
    predict.CROP_SCALE = scale
    return np.stack(
        [np.zeros((48, 48), np.uint8) if f is None else to_grey_48(predict.crop_square(p, f)) for p, f in zip(pictures, faces, strict=True)]
    )


def main() -> None:
    folder = Path(sys.argv[1])
    with open(folder / "labels.csv", encoding="utf-8", newline="") as file:
        rows = [(row["image"], NAMES.index(row["emotion"])) for row in csv.DictReader(file)]
    true = np.array([label for _, label in rows])
    pictures = [open_image(folder / name) for name, _ in rows]
    detector = FaceDetector()
    faces = [largest(detector.detect(np.asarray(picture))) for picture in pictures]
    found = np.array([face is not None for face in faces])
    print(f"{len(rows)} photos, a face found on {found.sum()}; shares of photos where the first guess is the person's label")

    cut = {scale: crops(pictures, faces, scale) for scale in SCALES}
    grey = crops([green(picture) for picture in pictures], faces, predict_scale)
    ways: dict[str, list[tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]]] = {
        **{f"crop scale {scale}": [(cut[scale], as_it_is)] for scale in SCALES},
        "mean of 1.0, 1.08, 1.2": [(cut[scale], as_it_is) for scale in (1.0, 1.08, 1.2)],
        "mean of 1.0, 1.2, 1.3": [(cut[scale], as_it_is) for scale in (1.0, 1.2, 1.3)],
        f"{predict_scale}, green instead of luma": [(grey, as_it_is)],
        f"{predict_scale}, histogram equalised": [(cut[predict_scale], equalised)],
        f"{predict_scale}, CLAHE": [(cut[predict_scale], clahe)],
    }
    said: dict[str, np.ndarray] = {}
    bundles = [find_bundle(name) for name in sys.argv[2:]] or shipped()
    for bundle in bundles:
        classifier = Classifier(bundle)
        columns = [bundle.labels.index(name) for name in NAMES]
        print(f"\n{bundle.name}")
        for way, parts in ways.items():
            probabilities = sum(classifier.probabilities(np.stack([change(c) for c in images])) for images, change in parts) / len(parts)
            right = (probabilities[:, columns].argmax(1) == true) & found
            if way == f"crop scale {predict_scale}":
                said[bundle.name] = right
            low, high = wilson_interval(int(right.sum()), len(right))
            probability = np.maximum(probabilities[:, columns][np.arange(len(true)), true], 1e-3)
            loss = -np.log(probability[found]).mean()
            print(f"  {way:32}{right.mean():7.1%}  ({low:.1%} to {high:.1%})   cross-entropy {loss:.3f}")

    names = list(said)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            only_one, only_other = int((said[one] & ~said[other]).sum()), int((said[other] & ~said[one]).sum())
            chance = binomtest(only_one, only_one + only_other).pvalue if only_one + only_other else 1.0  # McNemar's exact test
            print(f"\n{one} alone is right on {only_one} photos, {other} alone on {only_other}: p = {chance:.3f}")


predict_scale = predict.CROP_SCALE
if __name__ == "__main__":
    main()
