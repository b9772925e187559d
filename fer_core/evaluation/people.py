"""FER+ voters as a reference: their agreement with the labels, and whether a model errs as people do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import UNLABELLED
from ..data.vote_counts import Votes
from ..emotions import NAMES
from ..errors import DataError
from ..metrics.classification import confusion
from ..metrics.interval import Proportion


@dataclass(frozen=True)
class People:
    """Model, labels and voters on n images with C classes.

    Shares are over the images on which the voters agree and whose majority is one of the classes.
    """

    labels: tuple[str, ...]
    majority: np.ndarray  # (n,) int64 positions in labels; UNLABELLED without a majority
    matrix: np.ndarray  # (C, C) int64, rows labels, columns the voters' majority
    voters_with_label: Proportion
    model_with_label: Proportion
    model_with_voters: Proportion
    disputed: np.ndarray  # positions where the majority differs from the label
    # Of the disputed images: the model agrees with "the voters", "the label" or "neither".
    sides: dict[str, Proportion]
    # Of the model's errors against the labels: the majority chose the same other class.
    shared_errors: Proportion
    # (n,) float32 Jensen-Shannon distance of votes and probabilities, 0 (equal) to 1; NaN without votes
    distance: np.ndarray
    cosine: np.ndarray  # (n,) float32 cosine similarity of the same, 1 if equal; NaN without votes

    @property
    def agreed(self) -> np.ndarray:
        """Return whether there is a majority, (n,) bool."""
        return self.majority != UNLABELLED


def people(
    probabilities: np.ndarray, label: np.ndarray, counts: np.ndarray, labels: tuple[str, ...]
) -> People:
    """Compare a model's `probabilities` (n, C) with the labels and with the votes.

    The majority is that of Barsoum et al. (`vote_counts.Votes.majority`). The Jensen-Shannon distance is the
    square root of the divergence in bits (Endres and Schindelin 2003, doi:10.1109/TIT.2003.813506).

    Args:
        label: (n,) positions in `labels` of the data's labels, whatever the model is scored against.
        counts: (n, 10) votes, columns as in `vote_counts.COLUMNS`.

    Raises:
        DataError: The classes are not those of FER+.
    """
    from scipy.spatial.distance import jensenshannon

    if set(labels) != set(NAMES):
        raise DataError(
            f"FER+ voters chose between {', '.join(NAMES)}: expected a model of these classes, got "
            f"{', '.join(labels)}."
        )
    votes = Votes(counts)
    position = np.array([labels.index(name) for name in NAMES])
    by_name = votes.majority().astype(np.int64)
    majority = np.where(by_name == UNLABELLED, UNLABELLED, position[by_name])
    predicted = probabilities.argmax(axis=1)
    agreed = majority != UNLABELLED
    total = int(agreed.sum())
    disputed = agreed & (majority != label)
    errors = agreed & (predicted != label)

    def of(hits: np.ndarray, among: np.ndarray) -> Proportion:
        return Proportion(int((hits & among).sum()), int(among.sum()))

    shares = votes.distribution()[:, [NAMES.index(name) for name in labels]].astype(np.float64)
    voted = shares.sum(axis=1) > 0
    distance, cosine = np.full(len(label), np.nan, np.float32), np.full(len(label), np.nan, np.float32)
    if voted.any():
        p, q = probabilities[voted].astype(np.float64), shares[voted]
        # Rounding can make a tiny negative number, which has no root.
        distance[voted] = np.nan_to_num(jensenshannon(p, q, base=2, axis=1))
        cosine[voted] = (p * q).sum(axis=1) / (np.linalg.norm(p, axis=1) * np.linalg.norm(q, axis=1))
    return People(
        labels=labels,
        majority=majority,
        matrix=confusion(label[agreed], majority[agreed], len(labels)),
        voters_with_label=Proportion(total - int(disputed.sum()), total),
        model_with_label=of(predicted == label, agreed),
        model_with_voters=of(predicted == majority, agreed),
        disputed=np.flatnonzero(disputed),
        sides={
            "the voters": of(predicted == majority, disputed),
            "the label": of(predicted == label, disputed),
            "neither": of((predicted != majority) & (predicted != label), disputed),
        },
        shared_errors=of(predicted == majority, errors),
        distance=distance,
        cosine=cosine,
    )
