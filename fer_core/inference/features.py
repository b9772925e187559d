"""Feature extraction: a model's layer `features`, read from the LiteRT file without TensorFlow."""

from __future__ import annotations

import numpy as np

from ..bundles.bundle import Bundle
from ..bundles.classifier import Classifier
from ..errors import ModelError

_LAYER = "features"  # name of this layer in every network of the zoo
_BATCH = 16  # larger batches are slower and take more memory, since all tensors are kept


class FeatureExtractor(Classifier):
    """Classifier that also returns features. One object may be used from several threads.

    Attributes:
        size: F, the number of features of a face; those of an ensemble's networks are concatenated.

    Raises:
        ModelError: The bundle has no readable inference file, or no layer `features` is left in it.
    """

    _keep_tensors = True

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        super().__init__(bundle, threads)
        if bundle.runs_onnx:
            raise ModelError(
                f"{bundle.name} runs in ONNX Runtime, which shows no features: choose a model with a LiteRT "
                "file."
            )
        # The converter names a tensor after all layers that it merged into it, and weights too: only tensors
        # computed from images have an open first dimension.
        before_classes = _before_predictions(bundle) if bundle.card.get("imported") else set()
        details = [
            detail
            for detail in self._interpreter.get_tensor_details()
            if (detail["index"] in before_classes or _is_named(detail["name"]))
            and detail["dtype"] == np.float32
            and len(detail["shape_signature"]) == 2
            and detail["shape_signature"][0] == -1
        ]
        if not details:
            raise ModelError(
                f"{bundle.inference_file} has no features: expected a layer called {_LAYER}, as in the "
                "networks of FER Explorer."
            )
        self._tensors = [detail["index"] for detail in details]
        self.size = sum(int(detail["shape_signature"][1]) for detail in details)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Return (N, F) float32 features, averaged over the model's views of each image.

        Args:
            images: (N, 48, 48) uint8 grey.
        """
        return self.features_and_probabilities(images)[0]

    def features_and_probabilities(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, F) features and (N, C) probabilities, both float32, from one pass."""
        features = np.empty((len(images), self.size), np.float32)
        probabilities = np.empty((len(images), len(self.labels)), np.float32)
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            *parts, last = self._run(batch, [*self._tensors, self._output])
            rows = np.concatenate(parts, axis=1).reshape(-1, len(batch), self.size)  # (views, n, F)
            features[start : start + len(batch)] = rows.mean(axis=0)
            probabilities[start : start + len(batch)] = last
        return features, probabilities


def _is_named(tensor: str) -> bool:
    """Return whether a tensor has the name of the layer."""
    return any(part.startswith(_LAYER) for part in tensor.replace(";", "/").split("/"))


def _before_predictions(bundle: Bundle) -> set[int]:
    """Return the tensors that the layer `predictions` reads: the converter left out the layer before it."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.ModelT.InitFromPackedBuf(bundle.inference_file.read_bytes(), 0).subgraphs[0]
    return {
        int(operator.inputs[0])
        for operator in graph.operators
        if b"/predictions" in (graph.tensors[operator.outputs[0]].name or b"")
    }
