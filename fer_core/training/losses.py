"""The losses of a run, by the name that its settings give them."""

from __future__ import annotations

import keras

from ..config import TrainConfig
from .targets import PREDICTIONS, VOTES


def make_losses(config: TrainConfig) -> keras.losses.Loss | dict[str, keras.losses.Loss]:
    """Return the loss on the labels; with a votes output, a dict of the losses of both outputs."""
    labels: keras.losses.Loss
    if config.integer_labels:
        labels = keras.losses.SparseCategoricalCrossentropy()
    else:
        labels = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    if not config.votes_weight:
        return labels
    return {PREDICTIONS: labels, VOTES: keras.losses.CategoricalCrossentropy()}
