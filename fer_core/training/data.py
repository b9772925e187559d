"""The images and targets that a run trains and validates on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import RunConfig
from ..data import open_dataset
from ..data.dataset import Dataset
from ..data.vote_counts import Votes
from ..errors import TrainingError
from .targets import Targets, make_targets, training_indices, votes_for


@dataclass(frozen=True)
class TrainingData:
    """Training images with their targets, and validation images with their true classes."""

    dataset: Dataset
    images: np.ndarray  # (n, 48, 48) uint8
    targets: Targets
    val_images: np.ndarray  # (m, 48, 48) uint8
    val_labels: np.ndarray  # (m,) int64 positions in emotions.NAMES


def read_training_data(config: RunConfig) -> TrainingData:
    """Read the images of a run, without those that its settings leave out.

    Raises:
        FerError: The source or the votes cannot be read, or no image is left.
    """
    dataset = open_dataset(config.data.source)
    votes = votes_for(config, dataset)
    chosen = training_indices(config, dataset, votes)
    val_chosen, val_labels = _validation(config, dataset, votes)
    return TrainingData(
        dataset,
        np.ascontiguousarray(dataset.images[chosen]),
        make_targets(config, dataset, chosen, votes),
        np.ascontiguousarray(dataset.images[val_chosen]),
        val_labels,
    )


def _validation(config: RunConfig, dataset: Dataset, votes: Votes | None) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and true classes: the labels, or the voters' majority for a run that keeps the votes
    output."""
    chosen = dataset.sample("validation", config.data.limit, config.train.seed)
    if config.train.output == "labels" or votes is None:
        return chosen, dataset.labels[chosen].astype(np.int64)
    chosen, labels = votes.agreed(chosen)
    if not len(chosen):
        raise TrainingError(
            f"The voters agree on none of the validation images of {dataset.source}: keep the output labels."
        )
    return chosen, labels
