"""How accurate a model is on photos after learning from a few of them, against the model as shipped and a
classifier from nothing.

    python benchmarks/few_shot.py PHOTOS [--model ferplus] [--draws 20]

The folder holds photos and a `labels.csv` with the columns image and emotion. The largest face of each photo
counts. Printed are mean accuracies, in percent, on the photos that were not drawn.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core import emotions
from fer_core.adaptation import few_shot
from fer_core.bundles.bundle import find_bundle
from fer_core.inference import FeatureExtractor, Predictor


def faces(folder: Path, predictor: Predictor) -> tuple[np.ndarray, np.ndarray]:
    """(N, 48, 48) uint8 faces and their N label names."""
    crops, labels = [], []
    with open(folder / "labels.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if found := predictor.predict(folder / row["image"]):
                crops.append(max(found, key=lambda face: face.box[2] * face.box[3]).crop)
                labels.append(emotions.from_name(row["emotion"]))
    return np.stack(crops), np.array(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", default="ferplus")
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    bundle = find_bundle(arguments.model)
    extractor = FeatureExtractor(bundle)
    images, labels = faces(arguments.photos, Predictor(bundle))
    features = extractor.features(images)
    print("classes                   faces a class  shipped  from nothing  tuned")
    for names in (emotions.NAMES, ("happy", "sad", "surprise"), ("angry", "neutral")):
        for shots in (1, 3, 5, 10):
            figures = []
            rng = np.random.default_rng(0)
            for _ in range(arguments.draws):
                drawn = np.concatenate(
                    [rng.permutation(np.flatnonzero(labels == name))[:shots] for name in names]
                )
                left = np.setdiff1d(np.flatnonzero(np.isin(labels, names)), drawn)
                tuned = few_shot.learn(extractor, images[drawn], list(labels[drawn]))
                new, old = tuned.compare(images[left])
                fresh = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced"))
                fresh.fit(features[drawn], labels[drawn])
                order = np.array(tuned.labels)
                answers = order[old.argmax(axis=1)], fresh.predict(features[left]), order[new.argmax(axis=1)]
                figures.append([100 * np.mean(answer == labels[left]) for answer in answers])
            shipped, fresh_mean, tuned_mean = np.mean(figures, axis=0)
            print(
                f"{' '.join(names) if len(names) < 7 else 'all seven':24}  {shots:13}  {shipped:7.1f}  "
                f"{fresh_mean:12.1f}  {tuned_mean:5.1f}"
            )


if __name__ == "__main__":
    main()
