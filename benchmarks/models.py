"""Accuracy, size, latency and throughput of all shipped models in one table, beside what the processor could
do at best.

    python benchmarks/models.py [--models FOLDER]

The limit is the time that the model's multiply-adds take at the speed of a plain float32 matrix product on
the same core, in the same run. Weights in 8 bits can go below it, since the processor multiplies four times
as many of them at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

# One thread for the matrix product too; read when NumPy loads.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from fer_core.bundles.bundle import CARD, Bundle, read_bundle, shipped
from fer_core.bundles.classifier import Classifier


def fastest(work, seconds: float = 1.0) -> float:
    """Seconds of the fastest of many calls: others on the machine only ever make a call slower."""
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def matrix_product_rate(size: int = 1024) -> float:
    """Multiply-adds per second of a float32 matrix product on one core."""
    rng = np.random.default_rng(0)
    a, b = rng.random((size, size), np.float32), rng.random((size, size), np.float32)
    return size**3 / fastest(lambda: a @ b)


def row(bundle: Bundle, rate: float) -> list[str]:
    classifier = Classifier(bundle, threads=1)
    rng = np.random.default_rng(0)
    one, many = rng.integers(0, 256, (1, 48, 48), np.uint8), rng.integers(0, 256, (64, 48, 48), np.uint8)
    latency = fastest(lambda: classifier.probabilities(one))
    throughput = len(many) / fastest(lambda: classifier.probabilities(many))
    adds = bundle.card["multiply_adds"]
    test = bundle.card.get("figures", {}).get("test")
    accuracy = (
        "-" if not test else "{:.1%} ({:.1%} to {:.1%})".format(test["accuracy"], *test["accuracy_ci95"])
    )
    truth = bundle.card.get("truth", "labels")
    return [
        bundle.path.name,
        accuracy,
        truth,
        f"{bundle.inference_file.stat().st_size / 1000:,.0f}",
        f"{adds / 1e6:.1f}",
        f"{latency * 1e3:.2f}",
        f"{adds / rate * 1e3:.2f}",
        f"{throughput:,.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, help="a folder of bundles (default: the shipped ones)")
    folder = parser.parse_args().models
    bundles = (
        shipped()
        if folder is None
        else [read_bundle(path) for path in sorted(folder.iterdir()) if (path / CARD).is_file()]
    )
    rate = matrix_product_rate()
    print(f"a float32 matrix product reaches {rate / 1e9:.1f} G multiply-adds a second on one core\n")
    head = [
        "model",
        "PrivateTest (95 %)",
        "against",
        "kB",
        "M multiply-adds",
        "ms, batch 1",
        "ms, float32 limit",
        "images/s, batch 64",
    ]
    table = [head, *(row(bundle, rate) for bundle in bundles)]
    widths = [max(len(line[i]) for line in table) for i in range(len(head))]
    for line in table:
        print(
            "  ".join(
                cell.ljust(w) if i == 0 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
        )


if __name__ == "__main__":
    main()
