"""What looking several times at a face is worth: accuracy on PublicTest (validation) of the shipped models,
by what they are shown.

    python benchmarks/test_time.py fer2013.csv [MODEL ...]

Several crops: the whole image and its corners, each enlarged to 48x48 again; the probabilities are averaged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.bundles.bundle import find_bundle, shipped, views_inside
from fer_core.bundles.classifier import Classifier
from fer_core.data import open_dataset
from fer_core.data.votes import find_votes, read_votes


def crop(images: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    return np.stack([cv2.resize(image[top : top + side, left : left + side], (48, 48)) for image in images])


def corners(images: np.ndarray, side: int) -> list[np.ndarray]:
    rest = 48 - side
    return [
        crop(images, left, top, side)
        for left, top in ((0, 0), (rest, 0), (0, rest), (rest, rest), (rest // 2, rest // 2))
    ]


def main() -> None:
    data = open_dataset(sys.argv[1])
    votes = find_votes(sys.argv[1])
    chosen = data.labelled_indices("validation")
    ways = {
        "the image": lambda images: [images],
        "and its mirror image": lambda images: [images, images[:, :, ::-1]],
        "and five crops of 44": lambda images: [images, *corners(images, 44)],
        "and ten crops of 44": lambda images: [
            view[:, :, ::side] for view in (images, *corners(images, 44)) for side in (1, -1)
        ],
    }
    for bundle in [find_bundle(name) for name in sys.argv[2:]] or shipped():
        true = data.labels
        if bundle.card.get("truth") == "votes" and votes is not None:
            true = read_votes(votes, data).majority()
        here = chosen[true[chosen] >= 0]
        classifier = Classifier(bundle)
        columns = [bundle.labels.index(name) for name in data.label_names]
        inside = f" ({views_inside(bundle.card)} views inside)"
        print(f"{bundle.name}{inside}, {len(here):,} images")
        images = np.asarray(data.images[here])
        for name, views in ways.items():
            answers = [classifier.probabilities(np.ascontiguousarray(view)) for view in views(images)]
            probabilities = np.mean(answers, axis=0)
            print(f"  {name:24}{(probabilities[:, columns].argmax(1) == true[here]).mean():8.2%}")


if __name__ == "__main__":
    main()
