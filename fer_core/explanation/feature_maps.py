"""Feature maps: what the layers of a network compute from a face.

They are the outputs of the activations, from the edges that the first convolution finds to the coarse maps of
the last. This needs TensorFlow; `grad_cam_process` runs it beside the app.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bundles.bundle import Bundle
from ..bundles.export import load_keras
from ..errors import ModelError

if TYPE_CHECKING:
    import keras

MAX_LAYERS = 12  # evenly spaced where a network has more
MAX_CHANNELS = 12  # those with the highest mean
_SIDE = 96  # pixels; larger maps are thinned out


@dataclass(frozen=True)
class LayerMaps:
    """The strongest feature maps of one layer for one face."""

    layer: str
    shape: tuple[int, int, int]  # of the whole output: height, width, channels
    channels: np.ndarray  # (k,) int64, in the order of their mean, the highest first
    maps: np.ndarray  # (k, h, w) uint8, each from its lowest value at 0 to its highest at 255


class FeatureMaps:
    """Feature maps of one model; of an ensemble, those of its first network.

    Raises:
        ModelError: The model is missing or damaged, or has no layers with feature maps.
    """

    def __init__(self, bundle: Bundle) -> None:
        model = load_keras(bundle)
        import keras

        from ..bundles.graph import PREPARED, networks_of

        network = (networks_of(model) or [model])[0]
        self._prepare: Callable[[Any], Any] = lambda batch: batch
        if any(layer.name == PREPARED for layer in model.layers):
            self._prepare = keras.Model(model.input, model.get_layer(PREPARED).output)
        places = [layer for layer in network.layers if has_places(layer)]
        chosen = [layer for layer in places if _is_activation(layer)] or places
        if not chosen:
            raise ModelError(f"{bundle.name} has no convolution, so there are no feature maps.")
        count = min(len(chosen), MAX_LAYERS)
        spaced = [chosen[i] for i in np.linspace(0, len(chosen) - 1, count).round().astype(int)]
        self._names = [layer.name for layer in spaced]
        # Of the last call: a layer of a model from elsewhere may be a network itself.
        outputs = [layer._inbound_nodes[-1].output_tensors[0] for layer in spaced]
        self._compute = keras.Model(network.input, outputs)

    def of(self, image: np.ndarray) -> list[LayerMaps]:
        """Compute the maps of a face, (48, 48) uint8 grey, layer by layer."""
        import keras

        batch = self._prepare(keras.ops.convert_to_tensor(image[None, ..., None].astype(np.float32)))
        outputs = self._compute(batch, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return [
            _strongest(name, keras.ops.convert_to_numpy(output)[0].astype(np.float32))
            for name, output in zip(self._names, outputs, strict=True)
        ]


def packed(layers: list[LayerMaps]) -> bytes:
    """Return feature maps as the bytes of an npz file."""
    file = io.BytesIO()
    arrays: dict[str, np.ndarray] = {"layers": np.array([maps.layer for maps in layers])}
    for i, maps in enumerate(layers):
        arrays |= {f"shape{i}": np.array(maps.shape), f"channels{i}": maps.channels, f"maps{i}": maps.maps}
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpacked(content: bytes) -> list[LayerMaps]:
    """Return the feature maps in the bytes that `packed` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return [
            LayerMaps(
                str(name),
                tuple(file[f"shape{i}"].tolist()),
                file[f"channels{i}"],
                file[f"maps{i}"],
            )
            for i, name in enumerate(file["layers"])
        ]


def _strongest(name: str, output: np.ndarray) -> LayerMaps:
    """Return the channels of an output (h, w, C) float32 with the highest mean."""
    channels = np.argsort(-output.mean(axis=(0, 1)), kind="stable")[:MAX_CHANNELS]
    step = max(1, -(-max(output.shape[:2]) // _SIDE))
    maps = np.moveaxis(output[::step, ::step, channels], 2, 0)
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    scaled = np.divide(maps - low, high - low, out=np.zeros_like(maps), where=high > low)
    height, width, count = output.shape
    return LayerMaps(name, (height, width, count), channels, np.round(255 * scaled).astype(np.uint8))


def has_places(layer: keras.layers.Layer) -> bool:
    """Return whether a layer gives a feature map (n, h, w, k) and is not the input."""
    import keras

    shape = getattr(layer.output, "shape", ())
    return not isinstance(layer, keras.layers.InputLayer) and len(shape) == 4 and min(shape[1:3]) > 1


def _is_activation(layer: keras.layers.Layer) -> bool:
    """Return whether the output of a layer is that of an activation function."""
    import keras

    kinds = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)
    activation = getattr(layer, "activation", None)
    return isinstance(layer, kinds) or (activation is not None and activation is not keras.activations.linear)
