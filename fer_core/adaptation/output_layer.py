"""Learn the output layer of a network from its features, by logistic regression that is cross-validated by
person.

Faces of one person are alike, so a person never is among those learned from and those tested on. The strength
of the regularisation and the temperature that a fold is tested with are chosen on the other folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..metrics.calibration import cross_entropy, fit_temperature, rescale

STRENGTHS = (0.001, 0.003, 0.01, 0.03)  # inverse of the regularisation, C of scikit-learn
SHIFTS = (0.0, -1.0, -2.0, -3.0)  # of the logits of classes that are not learned
FOLDS = 10


@dataclass(frozen=True)
class OutputLayer:
    """Output layer for F features and C classes: logits = features @ weights + bias.

    Attributes:
        weights: (F, C).
        bias: (C,).
        temperature: The logits are divided by it.
        strength: Inverse of the regularisation, of STRENGTHS.
        shift: Added to the logits of the classes that were not learned, of SHIFTS.
        out_of_fold: (N, C) calibrated probabilities of each face, by layers that did not learn from its
            person.
    """

    weights: np.ndarray
    bias: np.ndarray
    temperature: float
    strength: float
    shift: float
    out_of_fold: np.ndarray


def learn_output_layer(
    copies: np.ndarray,
    own: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    people: np.ndarray,
    learned: Sequence[int],
    counted: np.ndarray,
) -> OutputLayer:
    """Learn logits for the classes `learned`; the others keep those of the network's own layer.

    A class that is not learned keeps its distance from the mean of the learned ones, moved by a shift that is
    chosen with the strength.

    Args:
        copies: (K, N, F) features of each face, and of K - 1 changed copies that are learned from as well.
        own: Weights (F, C) and bias (C,) of the network's own layer.
        labels: (N,) positions of the classes.
        people: (N,) names.
        learned: Positions of the classes.
        counted: (N,) bool, faces whose labels are trusted: others are neither learned from nor chosen by.

    Raises:
        DataError: There are fewer than two people or classes to learn.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    usable = counted & np.isin(labels, learned)
    learned = np.unique(labels[usable]).tolist()
    if len(learned) < 2 or len(np.unique(people[usable])) < 2:
        raise DataError(
            "There is nothing to learn: expected photos of at least two classes and two people, got "
            f"{len(learned)} and {len(np.unique(people[usable]))}."
        )
    fold = _folds(people)
    own_weights, own_bias = own
    # Several threads only wait for each other on matrices of this size.
    with threadpool_limits(1):
        layers = {
            strength: [
                _fit(
                    copies[:, usable & (fold != k)],
                    labels[usable & (fold != k)],
                    strength,
                    own_weights,
                    own_bias,
                )
                for k in range(fold.max() + 1)
            ]
            for strength in STRENGTHS
        }
        logits = {  # (N, C) by layers that did not learn from the person
            strength: _by_fold(copies[0], fold, layers[strength]) for strength in STRENGTHS
        }
        out_of_fold = np.empty((len(labels), len(own_bias)))
        for k in range(fold.max() + 1):
            others = counted & (fold != k)
            strength, shift, temperature = _choose(logits, labels, others, learned)
            held_out = fold == k
            out_of_fold[held_out] = _softmax(
                _shifted(logits[strength][held_out], learned, shift), temperature
            )
        strength, shift, temperature = _choose(logits, labels, counted, learned)
        weights, bias = _fit(copies[:, usable], labels[usable], strength, own_weights, own_bias)
    bias = _shifted(bias[None], learned, shift)[0]
    return OutputLayer(weights, bias, temperature, strength, shift, out_of_fold)


def _folds(people: np.ndarray) -> np.ndarray:
    """Return the fold of each face, (N,), the same for all faces of a person."""
    names, which = np.unique(people, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(names))
    return (order % min(FOLDS, len(names)))[which]


def _fit(
    copies: np.ndarray, labels: np.ndarray, strength: float, own_weights: np.ndarray, own_bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (F, C) and bias (C,) on features as they are, from (K, n, F) copies of n faces."""
    from sklearn.linear_model import LogisticRegression

    count = len(copies)
    rows = copies.reshape(-1, copies.shape[-1]).astype(np.float64)
    mean, variance = rows.mean(axis=0), rows.var(axis=0)
    # A feature that hardly varies must not weigh thousands of times: that would drown the others in 8 bits.
    scale = np.sqrt(np.maximum(variance, 0.01 * variance.mean())) if variance.any() else np.ones_like(mean)
    model = LogisticRegression(C=strength / count, class_weight="balanced", max_iter=300, tol=1e-3)
    model.fit((rows - mean) / scale, np.tile(labels, count))
    weights = model.coef_ / scale  # (classes, F), a single row for two classes
    bias = model.intercept_ - weights @ mean
    if len(weights) == 1:
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    learned = model.classes_
    new_weights = own_weights - own_weights[:, learned].mean(axis=1, keepdims=True)
    new_bias = own_bias - own_bias[learned].mean()
    new_weights[:, learned] = (weights - weights.mean(axis=0)).T
    new_bias[learned] = bias - bias.mean()
    return new_weights, new_bias


def _by_fold(
    features: np.ndarray, fold: np.ndarray, layers: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    out = np.empty((len(features), len(layers[0][1])))
    for k, (weights, bias) in enumerate(layers):
        out[fold == k] = features[fold == k] @ weights + bias
    return out


def _choose(
    logits: dict[float, np.ndarray], labels: np.ndarray, chosen_on: np.ndarray, learned: Sequence[int]
) -> tuple[float, float, float]:
    """Return strength, shift and temperature with the lowest log loss on the faces `chosen_on`."""
    best = (np.inf, 0.0, 0.0, 1.0)
    true = labels[chosen_on]
    for strength, values in logits.items():
        for shift in SHIFTS:
            probabilities = _softmax(_shifted(values[chosen_on], learned, shift))
            temperature = fit_temperature(probabilities, true)
            loss = cross_entropy(rescale(probabilities, temperature), true)
            best = min(best, (loss, strength, shift, temperature))
    return best[1:]


def _shifted(logits: np.ndarray, learned: Sequence[int], shift: float) -> np.ndarray:
    """Return (N, C) logits with `shift` added to those of the classes that are not learned."""
    return logits + np.where(np.isin(np.arange(logits.shape[1]), learned), 0.0, shift)


def _softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    from scipy.special import softmax

    return np.asarray(softmax(logits / temperature, axis=1))
