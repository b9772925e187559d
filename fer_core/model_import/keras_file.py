"""Networks from Keras files: `.keras`, and `.h5` of Keras 2 and 3. No code of a file is run."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..bundles.bundle import INFERENCE
from ..bundles.bundle import KERAS as KERAS_FILE
from ..bundles.graph import PREPARED, TEMPERATURE, networks_of
from ..bundles.layer_table import layer_table, multiply_adds
from ..bundles.litert import export_litert
from ..emotions import NAMES
from ..errors import ModelError, reason
from ..native_output import silenced
from . import formats, keras_graph
from .input_values import InputShape, input_shape
from .network import Plan
from .outputs import check_count

_MAX_DEPTH = 40  # of layers in layers
_WITHOUT_GROUPS = ("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
_MAX_CONFIG = 50_000_000  # bytes
_KERAS_MODULES = ("keras", "tf_keras", "tensorflow", "builtins")  # of layers, functions and settings


class KerasNetwork:
    """A network from a `.keras` or `.h5` file."""

    def __init__(self, path: Path, format: str) -> None:
        """Read a file.

        Raises:
            ModelError: It is damaged, has code of its own, or is not a classifier of images.
        """
        self.format = format
        config = _h5_config(path) if format == formats.H5 else _keras_config(path)
        _check_layers(config, path.name)
        self._model = _load(path, config, format)
        if len(self._model.inputs) != 1 or len(self._model.outputs) != 1:
            raise ModelError(
                f"{path.name} has {len(self._model.inputs)} inputs and {len(self._model.outputs)} outputs: "
                "expected a network with one image in and one vector of classes out."
            )
        self.shape: InputShape = input_shape(list(self._model.inputs[0].shape), path.name)
        output = self._model.outputs[0].shape
        if len(output) != 2:
            raise ModelError(
                f"{path.name} has an output of {len(output)} dimensions: expected (images, classes)."
            )
        self.count = check_count(output[1], path.name)
        # The graph of a bundle: it takes grey values and has the classes in our order.
        self._own = bool(networks_of(self._model)) and any(
            layer.name in (TEMPERATURE, PREPARED) for layer in self._model.layers
        )
        self.classes = NAMES if self._own and self.count == len(NAMES) else None
        self.scaling = "raw" if self._own else None

    def run(self, batch: np.ndarray) -> np.ndarray:
        return np.asarray(self._model.predict_on_batch(batch), np.float32)

    def write(self, folder: Path, plan: Plan) -> dict[str, Any]:
        """See `Network.write`."""
        ours = self._own and plan.scaling == "raw" and plan.classes == NAMES
        graph = self._model if ours else keras_graph.graph(self._model, self.shape, plan)
        graph.save(folder / KERAS_FILE)
        try:
            export_litert(graph, folder / INFERENCE)
        except ModelError:
            raise
        except Exception as error:  # the converter raises errors of many kinds
            raise ModelError(f"The network cannot be converted to LiteRT: {reason(error)}.") from None
        return {
            "parameters": int(graph.count_params()),
            "multiply_adds": multiply_adds(graph),
            "layers": layer_table(graph),
        }


def _keras_config(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > _MAX_CONFIG:
                raise ModelError(f"{path.name} has a description of more than {_MAX_CONFIG / 1e6:.0f} MB.")
            return json.loads(archive.read("config.json"))
    except ModelError:
        raise
    except Exception as error:  # damaged zips raise errors of many kinds
        raise _damaged(path, error) from None


def _h5_config(path: Path) -> Any:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
            weights_only = text is None and ("layer_names" in file.attrs or "layers" in file)
    except Exception as error:
        raise _damaged(path, error) from None
    if text is None:
        raise ModelError(
            f"{path.name} holds {'weights without their network' if weights_only else 'no Keras model'}: "
            "save it with model.save() rather than model.save_weights()."
        )
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from None


def _check_layers(config: Any, name: str) -> None:
    """Check that a description names no code but layers and functions of Keras.

    Raises:
        ModelError: It does; the message names the layer.
    """
    for part in _parts(config):
        kind, module = str(part.get("class_name")), part.get("module")
        settings = part.get("config")
        layer = settings.get("name") if isinstance(settings, dict) else settings
        of = f"{kind} {str(layer)[:80]!r}" if layer else kind
        if kind in ("Lambda", "__lambda__"):
            raise ModelError(
                f"{name} has the layer {of}, whose Python code is not run here: replace it by layers of "
                "Keras (Rescaling, Resizing ...) and save the model again."
            )
        foreign = isinstance(module, str) and module.split(".")[0] not in _KERAS_MODULES
        unknown = module is None and ">" in kind  # "package>Layer" of Keras 2
        registered = str(part.get("registered_name") or "")
        if foreign or unknown or ">" in registered:
            raise ModelError(
                f"{name} has the custom layer {of}, whose Python code is not run here: build it of Keras' "
                "own layers, or import an ONNX or LiteRT file of it."
            )


def _parts(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield all parts of a description with a class name."""
    if depth > 4 * _MAX_DEPTH:
        raise ModelError("The description of the network is nested too deeply.")
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for inner in value.values():
            yield from _parts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner, depth + 1)


def _load(path: Path, config: Any, format: str) -> keras.Model:
    try:
        with silenced(1), silenced(2):
            if format == formats.H5:
                model = _load_h5(path, config)
            else:
                model = keras.models.load_model(path, safe_mode=True, compile=False)
            if not model.built or not getattr(model, "inputs", None):  # a Sequential without an input shape
                raise ModelError(
                    f"{path.name} does not say what shape its input has: call the model on an image before "
                    "it is saved."
                )
            return model
    except ModelError:
        raise
    except Exception as error:  # ValueError, TypeError, KeyError ... of damaged files
        text = str(error)
        if "Could not locate class" in text or "Unknown layer" in text or "Could not deserialize" in text:
            raise ModelError(
                f"{path.name} has a layer that Keras does not have ({reason(error)}): its Python code is "
                "not run here; import an ONNX or LiteRT file of the network."
            ) from None
        raise _damaged(path, error) from None


def _load_h5(path: Path, config: Any) -> keras.Model:
    """Load a file of Keras 2 or 3.

    Keras 2 wrote the setting `groups` for layers that do not take it in Keras 3.
    """
    without = [part for part in _parts(config) if part["class_name"] in _WITHOUT_GROUPS]
    removed = [part["config"].pop("groups", None) for part in without if isinstance(part.get("config"), dict)]
    if not any(removed):
        return keras.models.load_model(path, safe_mode=True, compile=False)
    import h5py

    with tempfile.TemporaryDirectory(prefix="fer-import-") as folder:
        copy = Path(shutil.copyfile(path, Path(folder) / "network.h5"))
        with h5py.File(copy, "r+") as file:
            file.attrs["model_config"] = json.dumps(config)
        return keras.models.load_model(copy, safe_mode=True, compile=False)


def _damaged(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path.name} cannot be read as a Keras model: {reason(error)}.")
