"""Few-shot adaptation of a model to one person, camera or place, from a handful of faces and within a second.

The network stays the same. Only its last step is tuned: a linear correction W of the log probabilities,
computed from the network's features, which starts at zero, so that a few faces change the model only a
little:

    log p_new(class | face) = log p_old(class | face) + W [(features - mean) / scale, 1] + constant

This is multinomial logistic regression with an offset. A classifier from scratch needs five to ten faces a
class to match the original model; with more it may be the better one. benchmarks/few_shot.py measures it with
`ferplus` on the 178 photos of `shared/photos` (20 draws, accuracy in percent on the remaining photos; these
photos influenced the choice of _C):

    classes             faces a class  as shipped  from scratch  this
    all seven                       1        56.3          39.9  58.0
                                    3        57.4          50.1  60.4
                                   10        58.4          62.0  63.6
    happy sad surprise              1        86.4          69.8  87.1
                                    3        86.0          84.2  88.0
                                   10        86.2          88.5  90.7
    angry neutral                   1        83.3          58.9  85.5
                                    3        83.1          80.6  85.6
                                   10        83.9          88.6  86.5
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import emotions
from ..errors import DataError, ModelError
from ..inference.features import FeatureExtractor
from ..metrics.classification import wilson_interval

# Inverse regularisation strength of W. Of 0.001, 0.003, 0.01 and 0.03 this was best or within a point or two
# of the best on photos and on FER2013's PublicTest, with 1 to 30 faces a class and with 2, 3 and 7 classes;
# it never fell below the old model by more than half a point.
_C = 0.03
# Bounds the certainty of the old model, so that new faces can correct it.
_MIN_PROBABILITY = 1e-3
_LEAVE_ONE_OUT = 60  # up to so many faces, leave-one-out; beyond, ten folds
_FOLDS = 10


@dataclass(frozen=True)
class Score:
    """Number of correctly classified faces."""

    right: int
    count: int

    @property
    def accuracy(self) -> float:
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95% Wilson interval."""
        return wilson_interval(self.right, self.count)


@dataclass(frozen=True)
class Comparison:
    """Comparison of the new model, cross-validated, with the original one on the same faces and classes."""

    new: Score
    old: Score
    gained: int  # faces that only the new model classifies correctly
    lost: int  # faces that only the old model does


@dataclass(frozen=True)
class _Correction:
    """W and the standardisation of its input."""

    mean: np.ndarray  # (F,)
    scale: np.ndarray  # (F,)
    weights: np.ndarray  # (C, F + 1), the last column is the bias

    def apply(self, features: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return (N, C) probabilities."""
        from scipy.special import softmax

        return softmax(_with_one((features - self.mean) / self.scale) @ self.weights.T + offsets, axis=1)


@dataclass(frozen=True)
class FewShotModel:
    """Model tuned to a few faces; it is only kept in memory.

    `comparison` is None if a class has a single face, which cannot be used for both training and testing.
    """

    labels: tuple[str, ...]
    faces: dict[str, int]  # number of training faces by label
    comparison: Comparison | None
    extractor: FeatureExtractor
    _correction: _Correction

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return (N, C) probabilities in the order of `labels`.

        Args:
            images: (N, 48, 48) uint8 grey.
        """
        return self.compare(images)[0]

    def compare(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, C) probabilities of this model, and of the original one among the same classes."""
        features, before = self.extractor.features_and_probabilities(images)
        offsets = _offsets(before, self.extractor.labels, self.labels)
        return self._correction.apply(features, offsets), np.exp(offsets)


def learn(extractor: FeatureExtractor, images: np.ndarray, labels: Sequence[str]) -> FewShotModel:
    """Tune a model to some faces.

    Args:
        extractor: The feature extractor of the original model.
        images: (N, 48, 48) uint8 grey.
        labels: N label names of `emotions.NAMES`. The new model has the classes that occur.

    Raises:
        DataError: There are fewer than two classes, a name is unknown, or the shapes do not fit.
        ModelError: The original model does not have one of the classes.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    if images.dtype != np.uint8 or images.shape != (len(labels), 48, 48):
        raise DataError(
            f"Expected one 48x48 uint8 face for each of {len(labels)} labels, got {images.dtype} "
            f"{images.shape}."
        )
    if unknown := sorted(set(labels) - set(emotions.NAMES)):
        raise DataError(f"Unknown class name {unknown[0]!r}: expected some of {', '.join(emotions.NAMES)}.")
    names = tuple(name for name in emotions.NAMES if name in labels)
    if len(names) < 2:
        raise DataError(
            "There is nothing to learn: expected faces of at least two classes, got "
            f"{', '.join(names) or 'none'}."
        )
    if strange := [name for name in names if name not in extractor.labels]:
        raise ModelError(
            f"{extractor.bundle.name} does not have the class {strange[0]}, only "
            f"{', '.join(extractor.labels)}: start from another model."
        )
    true = np.array([names.index(label) for label in labels])
    # Some models mirror the image themselves.
    views = [images] if extractor.bundle.card.get("mirror") is True else [images, images[:, :, ::-1]]
    looks = [extractor.features_and_probabilities(view) for view in views]
    features = np.stack([look[0] for look in looks])  # (V, N, F)
    offsets = np.stack([_offsets(look[1], extractor.labels, names) for look in looks])  # (V, N, C)
    counts = np.bincount(true, minlength=len(names))
    # The matrices are so small that several threads only wait for each other: ten times as long beside a
    # training.
    with threadpool_limits(1):
        correction = _fit(features, offsets, true)
        comparison = _cross_validated(features, offsets, true) if counts.min() > 1 else None
    faces = {name: int(n) for name, n in zip(names, counts, strict=True)}
    return FewShotModel(names, faces, comparison, extractor, correction)


def _offsets(probabilities: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Return the log probabilities of the old model among `names`, (N, C)."""
    selected = probabilities[:, [labels.index(name) for name in names]].astype(np.float64)
    selected = np.maximum(selected / np.maximum(selected.sum(axis=1, keepdims=True), 1e-12), _MIN_PROBABILITY)
    return np.log(selected / selected.sum(axis=1, keepdims=True))


def _fit(features: np.ndarray, offsets: np.ndarray, true: np.ndarray) -> _Correction:
    """Fit the correction, with equal weight for every class.

    Args:
        features: (V, N, F); the views of a face share its weight.
        offsets: (V, N, C).
        true: (N,) positions of the classes.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    views, count, classes = offsets.shape
    rows, offset = (
        features.reshape(views * count, -1).astype(np.float64),
        offsets.reshape(views * count, classes),
    )
    mean, variance = rows.mean(axis=0), rows.var(axis=0)
    # A variance from few faces is uncertain: it is averaged with the mean of all, so that none is near zero.
    scale = np.sqrt(variance + variance.mean()) if variance.any() else np.ones_like(mean)
    x = _with_one((rows - mean) / scale)
    target = np.tile(np.eye(classes)[true], (views, 1))
    weight = np.tile((count / (classes * np.bincount(true, minlength=classes)))[true], views) / views

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(classes, -1)
        log_p = log_softmax(x @ weights.T + offset, axis=1)
        slope = _C * ((np.exp(log_p) - target) * weight[:, None]).T @ x + weights
        return -_C * float(weight @ (target * log_p).sum(axis=1)) + 0.5 * float(flat @ flat), slope.ravel()

    result = minimize(
        loss, np.zeros(classes * x.shape[1]), jac=True, method="L-BFGS-B", options={"ftol": 1e-6}
    )
    return _Correction(mean, scale, result.x.reshape(classes, -1))


def _cross_validated(features: np.ndarray, offsets: np.ndarray, true: np.ndarray) -> Comparison:
    from sklearn.model_selection import LeaveOneOut, StratifiedKFold

    alone = len(true) <= _LEAVE_ONE_OUT
    folds = LeaveOneOut() if alone else StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    predicted = np.empty_like(true)
    with warnings.catch_warnings(action="ignore"):  # a class with fewer faces than folds
        for training, held_out in folds.split(true, true):
            correction = _fit(features[:, training], offsets[:, training], true[training])
            predicted[held_out] = correction.apply(features[0, held_out], offsets[0, held_out]).argmax(axis=1)
    new, old = predicted == true, offsets[0].argmax(axis=1) == true
    return Comparison(
        Score(int(new.sum()), len(true)),
        Score(int(old.sum()), len(true)),
        gained=int((new & ~old).sum()),
        lost=int((old & ~new).sum()),
    )


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)
