"""What FER2013's training images are like: the thresholds of fer_core/inference/input_warnings.py come from
here.

    python benchmarks/unlike.py fer2013.csv [MODEL]

Percentiles over all training images of brightness, contrast and sharpness, and over those in which YuNet
finds a face of how far it is turned. Then how much accuracy on the validation images costs when they are made
smaller and enlarged again, as small faces of photos are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.bundles.bundle import find_bundle
from fer_core.bundles.classifier import Classifier
from fer_core.data import open_dataset
from fer_core.data.dataset import SPLITS
from fer_core.data.measures import measures
from fer_core.inference.detector import FaceDetector
from fer_core.inference.input_warnings import roll, yaw
from fer_core.metrics.interval import wilson_interval

PERCENTILES = (0.5, 1, 2, 50, 98, 99, 99.5)
SIZES = (48, 40, 36, 32, 28, 24, 20, 16, 12)


def main() -> None:
    dataset = open_dataset(sys.argv[1])
    classifier = Classifier(find_bundle(sys.argv[2] if len(sys.argv) > 2 else None), threads=1)
    images = np.asarray(dataset.images[dataset.splits == SPLITS.index("train")])
    print(f"{len(images):,} training images\n{'percentile':14}" + "".join(f"{p:>9g}" for p in PERCENTILES))
    for name, values in measures(images).items():
        line(name, values)

    detector = FaceDetector()
    found = [
        max(faces, key=lambda face: face.score)
        for image in images
        if (faces := detector.detect(image, one_look=True))
    ]
    landmarks = [face.landmarks for face in found if face.landmarks is not None]
    print(f"YuNet finds a face in {len(found):,} of them")
    line("|roll|, degrees", np.abs([roll(points) for points in landmarks]))
    line("|yaw|", np.abs([yaw(points) for points in landmarks]))
    line("box, px", np.array([np.sqrt(face.box[2] * face.box[3]) for face in found]))

    chosen = (dataset.splits == SPLITS.index("validation")) & (dataset.labels >= 0)
    images, labels = np.asarray(dataset.images[chosen]), dataset.labels[chosen]
    names = np.array([classifier.labels.index(name) for name in dataset.label_names])
    print(
        f"\n{classifier.bundle.name} on {len(images):,} validation images that were made smaller and "
        "enlarged again\nside, px  accuracy"
    )
    for side in SIZES:
        answers = classifier.probabilities(
            images if side == 48 else np.stack([enlarged(image, side) for image in images])
        ).argmax(axis=1)
        right = int((answers == names[labels]).sum())
        low, high = wilson_interval(right, len(images))
        print(f"{side:8}  {right / len(images):.1%} ({low:.1%} to {high:.1%})", flush=True)


def line(name: str, values: np.ndarray) -> None:
    print(f"{name:14}" + "".join(f"{value:9.3g}" for value in np.percentile(values, PERCENTILES)), flush=True)


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """(48, 48) uint8 from an image that was `side` pixels wide in between."""
    return cv2.resize(
        cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA),
        (48, 48),
        interpolation=cv2.INTER_LINEAR,
    )


if __name__ == "__main__":
    main()
