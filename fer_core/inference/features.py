"""What a model makes of a face before it decides: its layer `features`, read from the LiteRT file without TensorFlow."""

from __future__ import annotations

import numpy as np

from ..bundle import Bundle
from ..errors import ModelError
from .classifier import Classifier

_LAYER = "features"  # every network of the zoo calls it so
_BATCH = 16  # with all tensors kept, larger batches are slower and take more memory


class FeatureExtractor(Classifier):
    """Features beside the probabilities. One object may be used from several threads.

    Attributes:
        size: F, how many features a face has; those of an ensemble's networks stand one after the other.

    Raises:
        ModelError: the bundle has no readable inference file, or no layer `features` is left in it.
    """

    _keep_tensors = True

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        super().__init__(bundle, threads)
        # The converter names a tensor after all layers that it merged into it, and weights too: only what is computed from
        # images has an open first dimension.
        found = [
            detail
            for detail in self._interpreter.get_tensor_details()
            if any(part.startswith(_LAYER) for part in detail["name"].replace(";", "/").split("/"))
            and detail["dtype"] == np.float32
            and len(detail["shape_signature"]) == 2
            and detail["shape_signature"][0] == -1
        ]
        if not found:
            raise ModelError(
                f"{bundle.inference_file} tells no features: a layer called {_LAYER} was expected, as the networks of FER Explorer have it."
            )
        self._tensors = [detail["index"] for detail in found]
        self.size = sum(int(detail["shape_signature"][1]) for detail in found)

    def features(self, images: np.ndarray) -> np.ndarray:
        """(N, F) float32 features, averaged over the views that the model takes of each image.

        Args:
            images: (N, 48, 48) uint8 grey.
        """
        return self.features_and_probabilities(images)[0]

    def features_and_probabilities(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, F) features and (N, C) probabilities, both float32, from one pass."""
        features = np.empty((len(images), self.size), np.float32)
        probabilities = np.empty((len(images), len(self.labels)), np.float32)
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            *parts, last = self._run(batch, [*self._tensors, self._output])
            rows = np.concatenate(parts, axis=1).reshape(-1, len(batch), self.size)  # (views, n, F)
            features[start : start + len(batch)] = rows.mean(axis=0)
            probabilities[start : start + len(batch)] = last
        return features, probabilities
