"""How far probabilities can be believed, and the one number that mends them."""

from __future__ import annotations

import numpy as np

BINS = 15


def expected_calibration_error(probabilities: np.ndarray, true: np.ndarray, bins: int = BINS) -> float:
    """Mean distance between confidence and accuracy over `bins` equal ranges of confidence, weighted by the images in each.

    After Naeini et al. 2015 (doi:10.1609/aaai.v29i1.9602), with the 15 bins of Guo et al. 2017 (arXiv:1706.04599).

    Args:
        probabilities: (N, C), rows that sum to one.
        true: (N,) positions of the true classes.
    """
    if not len(true):
        return 0.0
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(which, weights=confidence.astype(np.float64) - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(true))


def rescale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (N, C) with their logits divided by `temperature`; 1 / T undoes T."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, true: np.ndarray) -> float:
    """The temperature with the smallest cross-entropy on these images (Guo et al. 2017, arXiv:1706.04599), from 0.2 to 5."""
    from scipy.optimize import minimize_scalar

    def cross_entropy(log_temperature: float) -> float:
        scaled = rescale(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(scaled[np.arange(len(true)), true], 1e-12)).mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(np.log(0.2), np.log(5)), method="bounded").x))
