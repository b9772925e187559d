"""How long a model takes for one image on this machine."""

from __future__ import annotations

import time

import numpy as np

from ..bundle import Bundle
from ..inference.classifier import Classifier

_WARM_UP = 3
_LEAST_RUNS = 5


def latency(bundle: Bundle, seconds: float = 0.2) -> float:
    """Median milliseconds for one image through the light runtime on one thread; the time to load the model is not in it.

    The median, since other programs that take the processor for a moment only ever make single runs slower.

    Args:
        seconds: how long to measure; a slow model still gets a few runs.

    Raises:
        ModelError: the bundle has no readable inference file.
    """
    classifier = Classifier(bundle, threads=1)
    image = np.random.default_rng(0).integers(
        0, 256, (1, 48, 48), np.uint8
    )  # a blank one could be quicker than a face
    for _ in range(_WARM_UP):
        classifier.probabilities(image)
    runs: list[float] = []
    end = time.perf_counter() + seconds
    while len(runs) < _LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        classifier.probabilities(image)
        runs.append(time.perf_counter() - start)
    return float(np.median(runs)) * 1000
