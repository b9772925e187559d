"""Targets of the training images: labels, FER+ votes and a teacher's probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from ..config import RunConfig
from ..data.dataset import Dataset
from ..data.vote_counts import Votes
from ..data.votes import read_votes
from ..emotions import NAMES
from ..errors import TrainingError
from ..quality.cross_validation import folds

PREDICTIONS, VOTES = "predictions", "votes"


@dataclass(frozen=True)
class Targets:
    """Targets of n images; `votes` and its weights are None without a votes output."""

    labels: np.ndarray  # (n,) int64
    soft: np.ndarray | None = None  # (n, C) float32 targets that take the place of one-hot labels
    votes: np.ndarray | None = None  # (n, C) float32
    votes_weights: np.ndarray | None = None  # (n,) float32: votes_weight, or 0 where no voter chose a class


def votes_for(config: RunConfig, dataset: Dataset) -> Votes | None:
    """Read the votes that `config` names, or return None where they are not needed.

    Raises:
        FerError: The votes cannot be read, or do not fit the data.
    """
    if config.data.votes is None or not (config.train.votes_weight or "not a face" in config.data.drop):
        return None
    return read_votes(config.data.votes, dataset)


def training_indices(config: RunConfig, dataset: Dataset, votes: Votes | None) -> np.ndarray:
    """Return (n,) positions of the training images, without those that `config.data.drop` names."""
    chosen = dataset.sample("train", config.data.limit, config.train.seed)
    if config.data.fold:
        fold, count = map(int, config.data.fold.split("/"))
        chosen = chosen[folds(dataset, count)[chosen] != fold]
    if "leaked" in config.data.drop:
        held_out = np.unique(dataset.digests[dataset.splits != dataset.splits[chosen[0]]])
        chosen = chosen[~np.isin(dataset.digests[chosen], held_out)]
    if "not a face" in config.data.drop and votes is not None:
        chosen = chosen[~votes.not_a_face()[chosen]]
    if not len(chosen):
        left_out = [*config.data.drop, *([f"fold {config.data.fold}"] if config.data.fold else [])]
        raise TrainingError(
            f"No training image of {dataset.source} is left after leaving out {' and '.join(left_out)}: keep "
            "them."
        )
    return chosen


def make_targets(config: RunConfig, dataset: Dataset, indices: np.ndarray, votes: Votes | None) -> Targets:
    """Return the targets of the images at `indices`.

    With a teacher, the target is a mixture of the label and the teacher's probabilities (Hinton et al. 2015,
    arXiv:1503.02531), computed once for each image without augmentation.
    """
    train = config.train
    labels = dataset.labels[indices].astype(np.int64)
    soft = None
    if train.teacher:
        one_hot = np.eye(len(NAMES), dtype=np.float32)[labels]
        soft = (1 - train.teacher_weight) * one_hot + train.teacher_weight * _teach(train.teacher, dataset)[
            indices
        ]
    if not train.votes_weight or votes is None:
        return Targets(labels, soft)
    shares = votes.distribution()[indices]
    return Targets(labels, soft, shares, train.votes_weight * (shares.sum(axis=1) > 0).astype(np.float32))


def _teach(teacher: str, dataset: Dataset) -> np.ndarray:
    """Return (N, C) float32 probabilities of the teacher for the labelled training images, zeros
    elsewhere."""
    from ..bundles.bundle import find_bundle
    from ..evaluation.scoring import score

    scored = score(find_bundle(teacher), dataset, "train", save=False)
    out = np.zeros((len(dataset), len(NAMES)), np.float32)
    out[scored.indices] = scored.probabilities
    return out


def with_votes_output(network: keras.Model) -> keras.Model:
    """Add a second output for the votes on the same features: {"predictions", "votes"}, each (N, C)."""
    # Both see the same dropout: what stands right before the classifier.
    before = network.get_layer(PREDICTIONS).input
    votes = keras.layers.Dense(len(NAMES), activation="softmax", dtype="float32", name=VOTES)(before)
    return keras.Model(network.input, {PREDICTIONS: network.output, VOTES: votes}, name=network.name)


def single_output(model: keras.Model, network: keras.Model, output: str) -> keras.Model:
    """Copy the weights of the trained `model` into the untrained `network`, which has one output: the one
    called `output`."""
    for layer in network.layers:
        layer.set_weights(model.get_layer(output if layer.name == PREDICTIONS else layer.name).get_weights())
    return network
