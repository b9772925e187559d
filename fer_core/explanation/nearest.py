"""Training faces with the most similar features: what a model may have learned its answer from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.dataset import SPLITS, Dataset
from ..errors import DataError
from ..inference.features import FeatureExtractor
from ..quality import neighbours


@dataclass(frozen=True)
class TrainingFaces:
    """Training faces, the most similar first."""

    indices: np.ndarray  # (k,) int64 positions in the data set
    similarity: np.ndarray  # (k,) float32 cosine of the features, at most 1
    copies: np.ndarray  # (k,) bool: an exact copy of the image


def nearest_training_faces(
    extractor: FeatureExtractor,
    features: np.ndarray,
    dataset: Dataset,
    image: np.ndarray,
    count: int = 8,
    without: int | None = None,
) -> TrainingFaces:
    """Find the faces of the training split with the most similar features.

    Args:
        extractor: The extractor of the model that `features` came from.
        features: (N, F) of all images of `dataset`, see `quality.embedding.features`.
        image: (48, 48) uint8 grey, from the data set or not.
        count: Number of faces; fewer if there are fewer training images.
        without: Position of `image` in the data set, if it has one, so that a training face is not its own
            neighbour.

    Raises:
        DataError: The data has no training split.
    """
    train = np.flatnonzero(dataset.splits == SPLITS.index("train"))
    if not len(train):
        raise DataError(f"{dataset.source} has no training images to compare with.")
    train = train[train != without] if without is not None else train
    query = extractor.features(image[None]).astype(features.dtype)
    places, similarity = neighbours.nearest(np.concatenate([features[train], query]), len(train), count)
    positions = train[places]
    copies = (np.asarray(dataset.images[positions]) == image).all(axis=(1, 2))
    return TrainingFaces(positions, np.minimum(similarity, 1), copies)
