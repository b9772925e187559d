"""How often detect + classify says what a person said of real photos, by model and by the way the face is cut
out.

    python benchmarks/photos.py [--record] PHOTOS [MODEL ...]

The folder holds pictures and labels.csv (image, emotion). A photo without a found face counts as wrong. The
photos are few, so every share carries its 95% interval, and ways are compared with the shipped one on the
same photos (McNemar's exact test). Below stand, for the shipped way, the right guesses of each class and how
often the model says it.
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

from photo_figures import FIVE, record

from fer_core.bundles.bundle import find_bundle, shipped
from fer_core.bundles.classifier import Classifier
from fer_core.emotions import NAMES
from fer_core.imaging import open_image, to_grey_48
from fer_core.inference import predict
from fer_core.inference.detector import Face, FaceDetector
from fer_core.metrics.classification import wilson_interval

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
        [
            np.zeros((48, 48), np.uint8) if f is None else to_grey_48(predict.crop_square(np.asarray(p), f))
            for p, f in zip(pictures, faces, strict=True)
        ]
    )


def mcnemar(one: np.ndarray, other: np.ndarray) -> float:
    """McNemar's exact test of two (N,) bool arrays that tell on which photos each is right."""
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    return binomtest(only_one, only_one + only_other).pvalue if only_one + only_other else 1.0


def read_labels(folder: Path) -> list[tuple[str, int]]:
    """The file name of each photo, and the position of its class."""
    with open(folder / "labels.csv", encoding="utf-8", newline="") as file:
        return [(row["image"], NAMES.index(row["emotion"])) for row in csv.DictReader(file)]


def main() -> None:
    recorded = "--record" in sys.argv  # in models/photos.json
    arguments = [argument for argument in sys.argv[1:] if argument != "--record"]
    folder = Path(arguments[0])
    rows = read_labels(folder)
    true = np.array([label for _, label in rows])
    pictures = [open_image(folder / name) for name, _ in rows]
    detector = FaceDetector()
    faces = [largest(detector.detect(np.asarray(picture))) for picture in pictures]
    found = np.array([face is not None for face in faces])
    print(
        f"{len(rows)} photos, a face found on {found.sum()}; shares of photos where the first guess is the "
        "person's label"
    )

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
    right_by_model: dict[str, np.ndarray] = {}
    shipped_way = f"crop scale {predict_scale}"
    bundles = [find_bundle(name) for name in arguments[1:]] or shipped()
    for bundle in bundles:
        if "adapted" in bundle.card:
            print(f"\n{bundle.name} learned from such photos: its card has its figures by person")
            continue
        classifier = Classifier(bundle)
        columns = [bundle.labels.index(name) for name in NAMES]
        print(f"\n{bundle.name}")
        rights: dict[str, np.ndarray] = {}
        guesses: dict[str, np.ndarray] = {}
        lines: dict[str, str] = {}
        for way, parts in ways.items():
            answers = [
                classifier.probabilities(np.stack([change(c) for c in images])) for images, change in parts
            ]
            probabilities = np.mean(answers, axis=0)
            guess = probabilities[:, columns].argmax(1)
            right = (guess == true) & found
            rights[way], guesses[way] = right, guess
            low, high = wilson_interval(int(right.sum()), len(right))
            probability = np.maximum(probabilities[:, columns][np.arange(len(true)), true], 1e-3)
            loss = -np.log(probability[found]).mean()
            lines[way] = (
                f"  {way:32}{right.mean():7.1%}  ({low:.1%} to {high:.1%})   cross-entropy {loss:.3f}"
            )
        right_by_model[bundle.name] = rights[shipped_way]
        if recorded:
            record(bundle.name, true, rights[shipped_way], "python benchmarks/photos.py PHOTOS")
        for way, line in lines.items():
            print(
                line
                + ("" if way == shipped_way else f"   p = {mcnemar(rights[way], rights[shipped_way]):.2f}")
            )
        for i, name in enumerate(NAMES):
            here = found & (true == i)
            print(
                f"    {name:9} {int(rights[shipped_way][here].sum()):3} of {int(here.sum()):3} right, "
                f"said {int((guesses[shipped_way][found] == i).sum()):3} times"
            )
        trusted = rights[shipped_way][true != NAMES.index("disgust")]
        low, high = wilson_interval(int(trusted.sum()), len(trusted))
        recalls = [rights[shipped_way][true == NAMES.index(name)].mean() for name in FIVE]
        print(f"    without disgust {trusted.mean():.1%} ({low:.1%} to {high:.1%})")
        print(f"    mean of {', '.join(FIVE)} {np.mean(recalls):.1%}")

    names = list(right_by_model)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            only_one, only_other = (
                int((right_by_model[one] & ~right_by_model[other]).sum()),
                int((right_by_model[other] & ~right_by_model[one]).sum()),
            )
            print(
                f"\n{one} alone is right on {only_one} photos, {other} alone on {only_other}: "
                f"p = {mcnemar(right_by_model[one], right_by_model[other]):.3f}"
            )


predict_scale = predict.CROP_SCALE
if __name__ == "__main__":
    main()
