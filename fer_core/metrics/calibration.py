"""Calibration of probabilities, and temperature scaling to improve it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .interval import Proportion

BINS = 15
THRESHOLDS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class ConfidenceBin:
    """Images with a confidence in one range."""

    low: float
    high: float
    confidence: float  # mean over the images
    right: Proportion


@dataclass(frozen=True)
class SelectiveAccuracy:
    """Result of withholding answers below a confidence."""

    threshold: float
    answered: Proportion  # of all images
    right: Proportion  # of the answered images

    def sentence(self) -> str:
        """Describe the result in words."""
        if not self.right.count:
            return f"Unsure below {self.threshold:.0%}: no face is answered."
        low, high = self.right.interval
        return (
            f"Unsure below {self.threshold:.0%}: {self.answered.share:.0%} of faces answered, "
            f"{self.right.share:.0%} of them right (95% interval {low:.0%} to {high:.0%})."
        )


@dataclass(frozen=True)
class Recalibration:
    """The same answers before and after temperature scaling."""

    temperature: float
    before: np.ndarray  # (N, C)
    after: np.ndarray  # (N, C)
    source: str  # origin of the temperature, as the end of a sentence


def expected_calibration_error(probabilities: np.ndarray, true: np.ndarray, bins: int = BINS) -> float:
    """Return the mean distance between confidence and accuracy over `bins` equal ranges.

    Each range is weighted by its number of images.

    After Naeini et al. 2015 (doi:10.1609/aaai.v29i1.9602), with the 15 bins of Guo et al. 2017
    (arXiv:1706.04599).

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


def reliability(probabilities: np.ndarray, true: np.ndarray, bins: int = BINS) -> list[ConfidenceBin]:
    """Return confidence and accuracy in the ranges of `expected_calibration_error`.

    Ranges without images are left out.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    out = []
    for b in np.unique(which):
        in_bin = which == b
        hits = Proportion(int(right[in_bin].sum()), int(in_bin.sum()))
        out.append(
            ConfidenceBin(b / bins, (b + 1) / bins, float(confidence[in_bin].astype(np.float64).mean()), hits)
        )
    return out


def selective_accuracy(probabilities: np.ndarray, true: np.ndarray, threshold: float) -> SelectiveAccuracy:
    """Answer only faces whose most probable class has at least `threshold`.

    This is selective classification (Geifman and El-Yaniv 2017, arXiv:1705.08500).
    """
    answered = probabilities.max(axis=1).astype(np.float64) >= threshold
    right = probabilities.argmax(axis=1) == true
    count = int(answered.sum())
    return SelectiveAccuracy(
        threshold, Proportion(count, len(true)), Proportion(int(right[answered].sum()), count)
    )


def coverage_curve(probabilities: np.ndarray, true: np.ndarray) -> list[SelectiveAccuracy]:
    """Return `selective_accuracy` for every hundredth, up to the last one with an answered face."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    order = np.argsort(confidence)
    right = np.concatenate([np.cumsum((probabilities.argmax(axis=1) == true)[order][::-1])[::-1], [0]])
    first = np.searchsorted(
        confidence[order], THRESHOLDS
    )  # position of the first answered face in ascending order
    counts = len(true) - first
    return [
        SelectiveAccuracy(float(t), Proportion(int(n), len(true)), Proportion(int(right[f]), int(n)))
        for t, f, n in zip(THRESHOLDS, first, counts, strict=True)
        if n
    ]


def rescale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the probabilities (N, C) with their logits divided by `temperature`; 1 / T undoes T."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(probabilities: np.ndarray, true: np.ndarray) -> float:
    """Return the mean negative logarithm of the probability of the true class (log loss), in nats."""
    return float(
        -np.log(np.maximum(probabilities[np.arange(len(true)), true].astype(np.float64), 1e-12)).mean()
    )


def fit_temperature(probabilities: np.ndarray, true: np.ndarray) -> float:
    """Fit the temperature, 0.2 to 5, with the smallest cross-entropy (Guo et al. 2017, arXiv:1706.04599)."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return cross_entropy(rescale(probabilities, float(np.exp(log_temperature))), true)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.2), np.log(5)), method="bounded").x))


def recalibrated(
    probabilities: np.ndarray,
    true: np.ndarray,
    inside: float | None = None,
    others: tuple[np.ndarray, np.ndarray] | None = None,
) -> Recalibration:
    """Return the probabilities (N, C) with and without a temperature that was fitted on other images.

    Args:
        inside: Temperature that the model already applies, from its card: "after" is the model as it is.
        others: Probabilities and true classes of other images to fit the temperature on. Without them, and
            with nothing inside, each half of the images gets the temperature of the other half.
    """
    if inside is not None:
        return Recalibration(
            inside,
            rescale(probabilities, 1 / inside),
            probabilities,
            "built into the model, fitted on validation",
        )
    if others is not None and len(others[1]):
        temperature = fit_temperature(*others)
        return Recalibration(
            temperature, probabilities, rescale(probabilities, temperature), "fitted on other images"
        )
    half = np.random.default_rng(0).permutation(len(true)) % 2 == 0
    if half.all() or not half.any():
        return Recalibration(1.0, probabilities, probabilities, "since there are too few images to fit one")
    after = np.empty(probabilities.shape, np.float64)
    temperatures = []
    for part in (half, ~half):
        temperatures.append(fit_temperature(probabilities[~part], true[~part]))
        after[part] = rescale(probabilities[part], temperatures[-1])
    mean = float(np.sqrt(temperatures[0] * temperatures[1]))
    return Recalibration(mean, probabilities, after, "each half of the images with that of the other half")
