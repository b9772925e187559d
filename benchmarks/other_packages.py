"""How often the package `fer` says what a person said of real photos, as it is and with YuNet before it.

    pip install --target DIR --no-deps fer==25.10.3
    python benchmarks/other_packages.py PHOTOS DIR [--record]

`fer` needs `pkg_resources` (setuptools below 81). DeepFace and Py-Feat download their weights from hosts that
the machine of these measurements cannot reach, so they are not compared. A photo without a found face counts
as wrong; every share carries its 95% interval. For this project's models see benchmarks/photos.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from photo_figures import FIVE, record
from photos import largest, read_labels

from fer_core.emotions import NAMES
from fer_core.imaging import open_image
from fer_core.inference.detector import FaceDetector
from fer_core.metrics.classification import wilson_interval


def main() -> None:
    folder, package = Path(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, package)
    from fer.fer import FER  # type: ignore[import-not-found]

    tool, detector = FER(), FaceDetector()

    def shipped(pixels: np.ndarray) -> list[dict[str, Any]]:
        return tool.detect_emotions(pixels[:, :, ::-1].copy())

    def with_yunet(pixels: np.ndarray) -> list[dict[str, Any]]:
        face = largest(detector.detect(pixels))
        if face is None:
            return []
        return tool.detect_emotions(
            pixels[:, :, ::-1].copy(), face_rectangles=[tuple(round(v) for v in face.box)]
        )

    rows = read_labels(folder)
    true = np.array([label for _, label in rows])
    pictures = [np.asarray(open_image(folder / name).convert("RGB")) for name, _ in rows]
    for title, answer in {"fer 25.10.3": shipped, "fer 25.10.3 after YuNet": with_yunet}.items():
        predicted = np.array([_label(answer, picture) for picture in pictures])
        print_figures(title, true, predicted)
        if "--record" in sys.argv:
            record(title, true, predicted == true, "python benchmarks/other_packages.py PHOTOS DIR")


def _label(answer: Callable[[np.ndarray], list[dict[str, Any]]], pixels: np.ndarray) -> int:
    """The class of the largest face, or -1."""
    faces = answer(pixels)
    if not faces:
        return -1
    face = max(faces, key=lambda face: face["box"][2] * face["box"][3])
    return NAMES.index(max(face["emotions"], key=face["emotions"].get))


def print_figures(title: str, true: np.ndarray, predicted: np.ndarray) -> None:
    """Print the shares that are right: all, without disgust, and by class."""
    right, trusted = predicted == true, true != NAMES.index("disgust")
    print(f"{title}: {(predicted < 0).sum()} photos without a face")
    for part, chosen in (("all", np.ones(len(true), bool)), ("without disgust", trusted)):
        low, high = wilson_interval(int(right[chosen].sum()), int(chosen.sum()))
        print(f"  {part:16} {right[chosen].mean():6.1%}  ({low:.1%} to {high:.1%})")
    by_class = {name: float(right[true == NAMES.index(name)].mean()) for name in NAMES}
    print(f"  {'mean of five':16} {np.mean([by_class[name] for name in FIVE]):6.1%}")
    print("  " + "  ".join(f"{name} {share:.0%}" for name, share in by_class.items()))


if __name__ == "__main__":
    main()
