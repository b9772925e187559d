"""How the answers of the shipped inference files (8 bits) differ from those of their Keras files.

    python benchmarks/quantisation.py --data fer2013.parquet [--record]

Compares both on PublicTest and prints, for each model with a Keras file, the accuracy of both, the share of
images that get another label, and the largest difference of a probability. `--record` writes the last two
into the cards.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.bundles.bundle import CARD, KERAS, shipped, write_card
from fer_core.bundles.classifier import Classifier
from fer_core.data import open_dataset


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="FER2013")
    parser.add_argument("--record", action="store_true", help="write the figures into the cards")
    options = parser.parse_args()
    data = open_dataset(options.data)
    chosen = data.indices("validation")
    images, labels = data.images[chosen], data.labels[chosen]
    print("| model | Keras file | inference file | other label | largest difference |")
    print("|---|---|---|---|---|")
    for bundle in shipped():
        if not (bundle.path / KERAS).exists():
            continue
        from fer_core.bundles.export import load_keras
        from fer_core.bundles.graph import predict
        from fer_core.bundles.write import quantisation_effect

        before = predict(load_keras(bundle), images)
        after = Classifier(bundle).probabilities(images)
        effect = quantisation_effect(before, after)
        share, largest = effect.values()
        accuracies = [f"{(answers.argmax(1) == labels).mean():.1%}" for answers in (before, after)]
        print(f"| `{bundle.name}` | {' | '.join(accuracies)} | {share:.1%} | {largest:.3f} |", flush=True)
        if options.record:
            steps = (bundle.card.get("steps") or {}) | effect
            write_card(bundle.path / CARD, bundle.card | {"steps": steps})


if __name__ == "__main__":
    main()
