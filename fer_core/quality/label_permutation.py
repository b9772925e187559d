"""Labels whose names look permuted: a shipped model would be right far more often with other names.

A label file in another order than assumed gives a plausible accuracy (39% on FER2013 with the codes of
alphabetical class folders), so it is looked for. The best names are a linear assignment on the confusion
matrix (`scipy.optimize.linear_sum_assignment`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bundles.bundle import find_bundle
from ..bundles.classifier import Classifier
from ..data.dataset import UNLABELLED, Dataset, stratified
from ..errors import DataError, ModelError
from ..label_options import LabelOptions, is_drawn, join_source, split_source
from ..label_orders import as_text, find_order
from ..metrics.classification import confusion

MODEL = "tiny"  # the fastest of the shipped models
IMAGES = 500
# On 200 random subsets of FER2013 with its right names, other names bring no gain on 200 images, at most 1
# point on 100 and 14 points on 50; with alphabetical codes they bring at least 19 points on 200 images.
MIN_IMAGES = 100
MIN_GAIN = 0.15


@dataclass(frozen=True)
class Permutation:
    """Better names for the labels of a data set."""

    names: dict[str, str]  # from each name in the data that is to change to the better one
    images: int  # that were looked at
    accuracy: float  # of the model with the present names
    accuracy_then: float
    order: str | None  # the better order of the numbers, where labels are numbers
    source: str | None  # the source with the better names; None where a source takes no options

    def sentence(self) -> str:
        """Return what is wrong, as a note."""
        changes = ", ".join(f"{name} called {better}" for name, better in self.names.items())
        return (
            f"Labels look permuted: {MODEL} is right on {self.accuracy:.1%} of {self.images:,} images, and "
            f"would be right on {self.accuracy_then:.1%} with {changes}"
            f"{f' (the order {self.order})' if self.order else ''}."
        )

    def advice(self) -> str:
        """Return the sentence with the source to try."""
        return f"{self.sentence()} Try {self.source}." if self.source else self.sentence()


def find_permutation(dataset: Dataset) -> Permutation | None:
    """Return better names for the labels of a data set, or None if its names look right.

    At most IMAGES images are classified, which takes about a second. Without the shipped model, and for drawn
    faces, nothing is looked for.
    """
    labelled = np.flatnonzero(dataset.labels != UNLABELLED)
    if len(labelled) < MIN_IMAGES or is_drawn(dataset.source):
        return None
    try:
        bundle = find_bundle(MODEL)
        chosen = labelled[stratified(dataset.labels[labelled], IMAGES)]
        probabilities = Classifier(bundle).probabilities(np.asarray(dataset.images[chosen]))
    except ModelError:
        return None
    predicted = np.array([dataset.label_names.index(name) for name in bundle.labels])[probabilities.argmax(1)]
    true = dataset.labels[chosen].astype(np.int64)
    better = better_names(confusion(true, predicted, len(dataset.label_names)))
    if better is None:
        return None
    names = dict(zip(dataset.label_names, (dataset.label_names[i] for i in better), strict=True))
    changed = {name: other for name, other in names.items() if name != other and name in _present(dataset)}
    source = _corrected(dataset, names)
    codes = {code: names.get(name, name) for code, name in dataset.codes.items()}
    return Permutation(
        changed,
        len(chosen),
        float(np.mean(predicted == true)),
        float(np.mean(predicted == better[true])),
        find_order(codes) if codes else None,
        source,
    )


def better_names(matrix: np.ndarray) -> np.ndarray | None:
    """Return the class (C,) that each class had better be called, or None where the names look right.

    Args:
        matrix: Confusion matrix (C, C) of counts, rows true, columns predicted.
    """
    from scipy.optimize import linear_sum_assignment

    total = matrix.sum()
    if total < MIN_IMAGES:
        return None
    _, better = linear_sum_assignment(-matrix)
    right, right_then = np.trace(matrix), matrix[np.arange(len(matrix)), better].sum()
    # A model that sees nothing in the images says the same for all of them: the name of the most frequent
    # class would then be a gain.
    commonest = matrix.sum(axis=1).max()
    if right_then - right < MIN_GAIN * total or right_then - commonest < MIN_GAIN * total:
        return None
    return np.asarray(better)


def _present(dataset: Dataset) -> set[str]:
    return {dataset.label_names[i] for i in np.unique(dataset.labels[dataset.labels != UNLABELLED])}


def _corrected(dataset: Dataset, names: dict[str, str]) -> str | None:
    """Return the source of a data set with its labels called by other names."""
    location, options = split_source(dataset.source)
    if dataset.variant_of is not None:
        return None
    try:
        if dataset.codes:
            codes = {code: names.get(name, name) for code, name in dataset.codes.items()}
            return join_source(location, LabelOptions(as_text(codes), "", options.leave_out))
        if options.mapping:
            return None
        pairs = [f"{name}={other}" for name, other in names.items() if name != other]
        return join_source(location, LabelOptions("", ",".join(pairs), options.leave_out))
    except DataError:  # a code with a name that cannot be written in an order
        return None
