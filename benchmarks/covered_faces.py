"""How often a covered mouth or covered eyes are noticed, and how often a bare face is said to be covered.

    python benchmarks/covered_faces.py PHOTOS [--write]

Masks, hands and dark bars are drawn over the faces of the photos, at the landmarks, and the faces
are searched again. The people (names of files before the number) are split into halves: weights and limits
of `fer_core.inference.covered` are chosen on the first half (the limit on predictions of cross-validation,
so that 0.5% of the bare faces are above it); the printed shares are those of the second half. --write
stores the weights; without it the stored ones are measured.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.imaging import to_grey_48
from fer_core.inference import Face, FaceDetector, covered
from fer_core.inference.predict import crop_square, landmarks_in_crop

MOUTH, EYES = ("mask", "hand"), ("bar",)
_FALSE = 0.005
_CLOTH = ((170, 200, 215), (245, 245, 245), (40, 40, 45), (150, 190, 220))


def covered_by(pixels: np.ndarray, face: Face, what: str, random: np.random.Generator) -> np.ndarray:
    """Draw something over a face, at its landmarks, on a copy of (H, W, 3) uint8 RGB."""
    assert face.landmarks is not None
    out = pixels.copy()
    right_eye, left_eye, nose, mouth_right, mouth_left = face.landmarks
    between = float(np.linalg.norm(left_eye - right_eye)) or 1.0
    across = (left_eye - right_eye) / between
    down = np.array([-across[1], across[0]])
    eyes, mouth = (right_eye + left_eye) / 2, (mouth_right + mouth_left) / 2
    length = float(np.linalg.norm(mouth - eyes))

    def at(middle: np.ndarray, x: float, y: float) -> list[int]:
        return np.round(middle + x * between * across + y * length * down).astype(int).tolist()

    if what == "mask":
        cloth = _CLOTH[random.integers(len(_CLOTH))]
        corners = [at(nose, -0.95, -0.1), at(nose, 0, -0.25), at(nose, 0.95, -0.1), at(mouth, 0.75, 0.25),
                   at(mouth, 0.3, 0.75), at(mouth, -0.3, 0.75), at(mouth, -0.75, 0.25)]  # fmt: skip
        cv2.fillPoly(out, [np.array(corners)], cloth)
        for y in (-0.2, 0.0, 0.2):  # folds
            fold = tuple(int(0.9 * value) for value in cloth)
            cv2.line(out, at(mouth, -0.7, y), at(mouth, 0.7, y), fold, max(1, int(between / 40)))
    elif what == "hand":
        x, y = (int(value) for value in nose)
        skin = np.median(out[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4].reshape(-1, 3), axis=0)
        angle = float(np.degrees(np.arctan2(across[1], across[0])))
        for k in range(4):
            place, axes = at(mouth, 0, 0.28 * (k - 1.5)), (int(between), max(1, int(0.17 * length)))
            finger = (skin * random.uniform(0.8, 1)).astype(int).tolist()
            cv2.ellipse(out, place, axes, angle, 0, 360, finger, -1)
            edge = (0.6 * skin).astype(int).tolist()
            cv2.ellipse(out, place, axes, angle, 0, 360, edge, max(1, int(between / 45)))
    else:
        corners = [at(eyes, x, y) for x, y in ((-1.1, -0.32), (1.1, -0.32), (1.1, 0.32), (-1.1, 0.32))]
        cv2.fillPoly(out, [np.array(corners)], (15, 15, 15))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    kinds, people, cells = samples(sorted(options.photos.glob("*.jpg")))
    names = sorted(set(people))
    first = np.array([names.index(name) % 2 == 0 for name in people])
    if options.write:
        _write(kinds, people, cells, first)
    print(f"{len(names)} people, {np.sum(kinds == 'bare')} photos; said to be covered in the second half:")
    bare = (kinds == "bare") & ~first
    any_flagged = np.zeros(len(kinds), bool)
    for part, drawn in (("mouth", MOUTH), ("eyes", EYES)):
        flags = flagged(cells, part)
        any_flagged |= flags
        for kind in drawn:
            chosen = (kinds == kind) & ~first
            print(f"{part:6} covered by a {kind:5} {100 * flags[chosen].mean():5.1f}% of {chosen.sum()}")
        print(f"{part:6} bare               {100 * flags[bare].mean():5.1f}% of {bare.sum()}")
    print(f"either, bare              {100 * any_flagged[bare].mean():5.1f}% of {bare.sum()}")


def flagged(cells: np.ndarray, part: str) -> np.ndarray:
    """Return (n,) bool: of which faces this part is said to be covered."""
    stored = json.loads(covered.WEIGHTS.read_text(encoding="utf-8"))[part]
    values = np.array([covered.features(cell, part) for cell in cells])
    return values @ np.array(stored["weights"]) + stored["bias"] > 0


def samples(paths: list[Path]) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return what is drawn, the person, and (n, 8, 8, 6) gradients of every face that is found."""
    detector, random = FaceDetector(), np.random.default_rng(0)
    kinds, people, cells = [], [], []
    for path in paths:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        bare = _largest(detector.detect(pixels, one_look=True))
        if bare is None:
            continue
        for kind in ("bare", *MOUTH, *EYES):
            picture = pixels if kind == "bare" else covered_by(pixels, bare, kind, random)
            face = _largest(detector.detect(picture, one_look=True))
            landmarks = landmarks_in_crop(face) if face else None
            if face is None or landmarks is None:
                continue
            crop = to_grey_48(crop_square(picture, face))
            kinds.append(kind)
            people.append(re.sub(r"_\d+$", "", path.stem))
            cells.append(covered.gradients(covered.aligned(crop, landmarks)))
    return np.array(kinds), people, np.array(cells)


def _largest(faces: list[Face]) -> Face | None:
    return max(faces, key=lambda face: face.box[2] * face.box[3], default=None)


def _write(kinds: np.ndarray, people: list[str], cells: np.ndarray, first: np.ndarray) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    weights = {}
    for part, drawn in (("mouth", MOUTH), ("eyes", EYES)):
        covers = np.isin(kinds, drawn)
        chosen = np.flatnonzero(first & (covers | (kinds == "bare")))
        values = np.array([covered.features(cells[i], part) for i in chosen])
        model = LogisticRegression(C=0.3, max_iter=1000)
        groups = [people[i] for i in chosen]
        unseen = cross_val_predict(
            model, values, covers[chosen], groups=groups, cv=GroupKFold(5), method="decision_function"
        )
        threshold = float(np.quantile(unseen[~covers[chosen]], 1 - _FALSE))
        model.fit(values, covers[chosen])
        weights[part] = {
            "weights": np.round(model.coef_[0], 3).tolist(),
            "bias": round(float(model.intercept_[0]) - threshold, 3),
        }
    covered.WEIGHTS.write_text(json.dumps(weights) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
