"""What detect + classify costs on a 640x480 photo, beside YuNet alone on the same pixels in the same run, on
one thread.

    python benchmarks/photo_speed.py [MODEL ...] [--rounds N]

The photo has one face. All ways take turns, so that what else the machine does meets each. Times are of the
processor (of the thread), so that other programs' share does not count; the issue's line is 1.15 for photos.
The last row takes the photo as a JPEG file, so that decoding it is counted, too.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import io
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from fer_core.inference import FaceDetector, Predictor


def photo() -> np.ndarray:
    """(480, 640, 3) uint8: the portrait before a grey ground."""
    canvas = Image.new("RGB", (640, 480), (95, 105, 115))
    canvas.paste(
        Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").resize((440, 440)), (100, 20)
    )
    return np.asarray(canvas)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", default=[PHOTO_MODEL, "standard", "tiny"])
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pixels, buffer = photo(), io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    detector = FaceDetector()
    ways: dict[str, Callable[[], object]] = {"YuNet alone": lambda: detector.detect(pixels, one_look=True)}
    for name in options.models:
        predictor = Predictor(find_bundle(name))
        assert len(predictor.predict(pixels)) == 1
        ways[f"detect + classify, {name}"] = partial(predictor.predict, pixels)
        ways[f"the same from a JPEG, {name}"] = partial(predictor.predict, buffer.getvalue())
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            begun = time.thread_time()
            way()
            times[name].append(1000 * (time.thread_time() - begun))
    base = float(np.median(times["YuNet alone"]))
    for name, spent in times.items():
        print(f"{name:40} {np.median(spent):6.1f} ms   {np.median(spent) / base:5.2f} of YuNet")


if __name__ == "__main__":
    main()
