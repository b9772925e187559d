"""Neutral calibration: what a model sees in somebody's face at rest is taken out of its later answers.

Some faces look angry or sad to a model when nothing is felt: the shape of the brows or the mouth, glasses, the light. Over some
seconds of a neutral face we measure the mean log probabilities `m` that the model gives it, and compare them with `r`, those that it
gives to neutral faces in general (the validation images that it takes for neutral, which stand in its bundle). Their difference is an
offset of the logits, as if the classes had other prior probabilities for this person, and it is
subtracted:

    q = softmax(log p - k (m - r)),    k = s / (s + 1)

This is the correction of a prior shift (Saerens, Latinne, Decaestecker: "Adjusting the outputs of a classifier to new a priori
probabilities", Neural Computation 14, 2002), with the offset estimated from one known class. `s` is the time in seconds: frames of one
second look all the same, so a second counts as one look, and k is what a mean of s looks is worth when looks of one person vary as much
as people do (shrinkage; an assumption: there is no data here that tells who is on an image, to measure it on). The probability of a
class is multiplied or divided by at most LIMIT before the sum is made 1 again, so that an expression that is plainly there is still seen.
"""

from __future__ import annotations

import numpy as np

from ..bundle import PROBABILITIES, Bundle
from ..errors import ModelError
from ..kept_arrays import read_arrays

LIMIT = 20.0
_LEAST = 1e-3  # smaller probabilities say no more than that: their logarithms would rule the mean
_NEUTRAL = "neutral"
_TYPICAL = 0.75  # of a neutral face where a bundle holds no probabilities: about what the shipped models give


def reference(bundle: Bundle) -> np.ndarray:
    """(C,) mean log probabilities that a model gives to faces that it takes for neutral.

    Raises:
        ModelError: it does not know the class neutral.
    """
    if _NEUTRAL not in bundle.labels:
        raise ModelError(
            f"{bundle.name} does not know the class neutral, only {', '.join(bundle.labels)}: choose another model to calibrate."
        )
    neutral = bundle.labels.index(_NEUTRAL)
    taken = np.empty((0, len(bundle.labels)))
    validation = (read_arrays(bundle.path / PROBABILITIES) or {}).get(
        "validation"
    )  # bundles that were made elsewhere may lack it
    if validation is not None and validation.shape[1:] == taken.shape[1:]:
        taken = validation[validation.argmax(axis=1) == neutral]
    if not len(taken):
        others = max(1, len(bundle.labels) - 1)
        taken = np.full((1, len(bundle.labels)), (1 - _TYPICAL) / others)
        taken[0, neutral] = _TYPICAL
    return logs(taken).mean(axis=0)


def logs(probabilities: np.ndarray) -> np.ndarray:
    """Logarithms of (..., C) probabilities, of none less than a thousandth."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST))


def offset(mean: np.ndarray, usual: np.ndarray, seconds: float) -> np.ndarray:
    """(C,) what is to be subtracted from a person's log probabilities.

    Args:
        mean: (C,) of the neutral face's log probabilities.
        usual: (C,) of `reference`.
        seconds: for how long it was seen.
    """
    shift = seconds / (seconds + 1.0) * (mean - usual)
    return np.clip(shift, -np.log(LIMIT), np.log(LIMIT))


def corrected(probabilities: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(C,) probabilities without a person's offset."""
    moved = np.exp(np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-12)) - shift)
    return moved / moved.sum()
