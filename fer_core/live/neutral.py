"""Neutral calibration: removes from a model's answers what it sees in a person's face at rest.

Some neutral faces look angry or sad to a model: because of the shape of the brows or the mouth, glasses, or
the light. Over some seconds of a neutral face we measure the mean log probabilities `m` of the model, and
compare them with `r`, those of neutral faces in general (the validation images that it classifies as neutral,
which are stored in its bundle). Their difference is an offset of the logits, as if the classes had other
prior probabilities for this person, and it is subtracted:

    q = softmax(log p - k (m - r)),    k = s / (s + 1)

This is the correction of a prior shift (Saerens, Latinne, Decaestecker: "Adjusting the outputs of a
classifier to new a priori probabilities", Neural Computation 14, 2002), with the offset estimated from one
known class. `s` is the time in seconds: frames within one second are nearly equal, so a second counts as one
observation, and k is the shrinkage of a mean of s observations if those of one person vary as much as people
do (an assumption: there is no data here that identifies people, to measure it on). The probability of a class
is multiplied or divided by at most LIMIT before the sum is normalised to 1, so that a clear expression is
still recognised.
"""

from __future__ import annotations

import numpy as np

from ..bundles.bundle import PROBABILITIES, Bundle
from ..errors import ModelError
from ..storage import read_arrays

LIMIT = 20.0
_LEAST = 1e-3  # smaller probabilities are clipped, since their logarithms would dominate the mean
_NEUTRAL = "neutral"
# Of a neutral face if a bundle contains no probabilities: typical of the shipped models.
_TYPICAL = 0.75


def reference(bundle: Bundle) -> np.ndarray:
    """Return the model's mean log probabilities for faces that it classifies as neutral, (C,).

    Raises:
        ModelError: The model has no class neutral.
    """
    if _NEUTRAL not in bundle.labels:
        raise ModelError(
            f"{bundle.name} has no class neutral, only {', '.join(bundle.labels)}: choose "
            "another model to calibrate."
        )
    neutral = bundle.labels.index(_NEUTRAL)
    taken = np.empty((0, len(bundle.labels)))
    # Bundles made elsewhere may lack it.
    validation = (read_arrays(bundle.path / PROBABILITIES) or {}).get("validation")
    if validation is not None and validation.shape[1:] == taken.shape[1:]:
        taken = validation[validation.argmax(axis=1) == neutral]
    if not len(taken):
        others = max(1, len(bundle.labels) - 1)
        taken = np.full((1, len(bundle.labels)), (1 - _TYPICAL) / others)
        taken[0, neutral] = _TYPICAL
    return logs(taken).mean(axis=0)


def logs(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms of (..., C) probabilities, clipped at a thousandth."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST))


def offset(mean: np.ndarray, usual: np.ndarray, seconds: float) -> np.ndarray:
    """Return (C,) to subtract from a person's log probabilities.

    Args:
        mean: (C,) log probabilities of the neutral face.
        usual: (C,) of `reference`.
        seconds: How long the face was observed.
    """
    shift = seconds / (seconds + 1.0) * (mean - usual)
    return np.clip(shift, -np.log(LIMIT), np.log(LIMIT))


def corrected(probabilities: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return (C,) probabilities without a person's offset."""
    moved = np.exp(np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-12)) - shift)
    return moved / moved.sum()
