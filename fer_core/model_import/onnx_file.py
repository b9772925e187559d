"""Networks from ONNX files, which ONNX Runtime runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles.bundle import ONNX_INFERENCE
from ..bundles.class_names import INPUT
from ..bundles.onnx_runtime import open_session
from ..errors import ModelError, reason
from . import formats, onnx_graph
from .input_values import SIDE, input_shape
from .litert_file import named_classes
from .network import Plan
from .outputs import check_count

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


class ONNXNetwork:
    """A network from an `.onnx` file."""

    format = formats.ONNX

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ModelError: It is damaged, keeps its weights in other files, or is not a classifier of images; or
                ONNX Runtime is not installed.
        """
        import onnx

        try:
            self._model = onnx.load(str(path), load_external_data=False)
            elsewhere = [
                tensor.name
                for tensor in self._model.graph.initializer
                if tensor.data_location == 1  # external
            ]
        except Exception as error:  # protobuf raises errors of many kinds
            raise ModelError(f"{path.name} cannot be read as an ONNX model: {reason(error)}.") from None
        if elsewhere:
            raise ModelError(
                f"{path.name} keeps the weights {elsewhere[0][:80]!r} in another file: save the model as "
                "one file, with onnx.save(onnx.load(name), new_name)."
            )
        self._session = open_session(self._model.SerializeToString(), path.name, threads=2)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{path.name} has {len(inputs)} inputs and {len(outputs)} outputs: expected a network with "
                "one image in and one vector of classes out."
            )
        self._name, kind = inputs[0].name, inputs[0].type
        if kind not in _TYPES:
            raise ModelError(f"{path.name} takes a {kind}: expected one of {', '.join(_TYPES)}.")
        self._type = _TYPES[kind]
        sizes = [size if isinstance(size, int) else None for size in inputs[0].shape]
        self.shape = input_shape(sizes, path.name)
        self.count = check_count(self._outputs(path.name), path.name)
        words = _labels(self._model)
        self.classes = None if words is None else named_classes(words, self.count)
        own = self._name == INPUT and self.classes is not None and self.shape.words() == f"{SIDE}x{SIDE}x1"
        self.scaling = "raw" if own else None

    def _outputs(self, name: str) -> int | None:
        """Return the number of outputs, from an answer, since a file need not say it."""
        size = (
            (self.shape.channels, self.shape.height, self.shape.width)
            if self.shape.channels_first
            else (self.shape.height, self.shape.width, self.shape.channels)
        )
        try:
            answer = self._answer(np.zeros((1, *size), np.float32))
        except ModelError as error:
            raise ModelError(f"{name}: {error}") from None
        return int(answer[0].size) if len(answer) == 1 else None

    def run(self, batch: np.ndarray) -> np.ndarray:
        size = 1 if self.shape.one_at_a_time else len(batch)
        parts = [self._answer(batch[i : i + size]) for i in range(0, len(batch), size)]
        return np.concatenate([part.reshape(len(part), -1) for part in parts]).astype(np.float32)

    def _answer(self, batch: np.ndarray) -> np.ndarray:
        try:
            with np.errstate(invalid="ignore"):
                (answer,) = self._session.run(None, {self._name: batch.astype(self._type)})
        except Exception as error:  # of ONNX Runtime's own kinds
            raise ModelError(f"The network cannot be run by ONNX Runtime: {reason(error)}.") from None
        return np.asarray(answer)

    def write(self, folder: Path, plan: Plan) -> dict[str, Any]:
        """See `Network.write`."""
        import onnx

        model = onnx_graph.joined(self._model, self.shape, plan)
        content = model.SerializeToString()
        open_session(content, ONNX_INFERENCE)  # raises where the parts do not fit
        (folder / ONNX_INFERENCE).write_bytes(content)
        weights = [onnx.numpy_helper.to_array(tensor) for tensor in self._model.graph.initializer]
        return {"parameters": sum(int(w.size) for w in weights if np.issubdtype(w.dtype, np.floating))}


def _labels(model: Any) -> list[str] | None:
    """Return the classes that FER Explorer's exports name in their metadata."""
    for entry in model.metadata_props:
        if entry.key == "labels":
            try:
                words = json.loads(entry.value)
            except ValueError:
                return None
            return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None
    return None
