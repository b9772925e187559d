"""Latency of a model for one image on this machine."""

from __future__ import annotations

import time

import numpy as np

from ..bundles.bundle import Bundle
from ..bundles.classifier import Classifier

_WARM_UP = 3
_MIN_RUNS = 5


def latency(bundle: Bundle, seconds: float = 0.1) -> float:
    """Measure the median milliseconds for one image on one thread, without loading the model.

    The median is robust against other programs that use the processor for a moment.

    Args:
        seconds: How long to measure; a slow model still gets a few runs.

    Raises:
        ModelError: The bundle has no readable inference file.
    """
    classifier = Classifier(bundle, threads=1)
    # Random pixels, since a blank image could be quicker than a face.
    image = np.random.default_rng(0).integers(0, 256, (1, 48, 48), np.uint8)
    for _ in range(_WARM_UP):
        classifier.probabilities(image)
    runs: list[float] = []
    end = time.perf_counter() + seconds
    while len(runs) < _MIN_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        classifier.probabilities(image)
        runs.append(time.perf_counter() - start)
    return float(np.median(runs)) * 1000
