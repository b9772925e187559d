"""Networks from LiteRT (TensorFlow Lite) files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .. import emotions
from ..bundles.bundle import INFERENCE
from ..bundles.class_names import INPUT, LABELS, OUTPUT
from ..emotions import NAMES
from ..errors import ModelError, reason
from ..native_output import silenced
from . import formats, litert_graph
from .input_values import SIDE, input_shape
from .network import Plan
from .outputs import check_count

_MAX_LABELS = 10_000  # bytes


class LiteRTNetwork:
    """A network from a `.tflite` file."""

    format = formats.LITERT

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            ModelError: It is damaged, or is not a classifier of images.
        """
        from ai_edge_litert.interpreter import Interpreter

        self._path = path
        try:
            with silenced(1), silenced(2):
                self._interpreter = Interpreter(str(path), num_threads=2)
                self._interpreter.allocate_tensors()
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path.name} cannot be read as a LiteRT model: {reason(error)}.") from None
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(
                f"{path.name} has {len(inputs)} inputs and {len(outputs)} outputs: expected a network with "
                "one image in and one vector of classes out."
            )
        self._input, self._output = inputs[0], outputs[0]
        for details in (self._input, self._output):
            if details["dtype"] not in (np.float32, np.int8, np.uint8):
                raise ModelError(
                    f"{path.name} has {np.dtype(details['dtype']).name} values at its ends: expected "
                    "float32, or 8-bit numbers with a scale."
                )
        self.shape = input_shape(list(self._input["shape_signature"]), path.name)
        self.count = check_count(
            int(self._output["shape"][-1]) if len(self._output["shape"]) else None, path.name
        )
        self.classes = _labels(path, self.count)
        own = self._input["name"] == INPUT and self._output["name"] == OUTPUT and self.classes is not None
        self.scaling = "raw" if own and self.shape.words() == f"{SIDE}x{SIDE}x1" else None

    def run(self, batch: np.ndarray) -> np.ndarray:
        size = 1 if self.shape.one_at_a_time else len(batch)
        parts = [self._run(batch[i : i + size]) for i in range(0, len(batch), size)]
        return np.concatenate(parts)

    def _run(self, batch: np.ndarray) -> np.ndarray:
        index = self._input["index"]
        try:
            self._interpreter.resize_tensor_input(index, batch.shape)
            self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(index, _quantised(batch, self._input))
            self._interpreter.invoke()
            answer = _dequantised(self._interpreter.get_tensor(self._output["index"]), self._output)
            return answer.reshape(len(batch), self.count)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self._path.name} cannot be run by LiteRT: {reason(error)}.") from None

    def write(self, folder: Path, plan: Plan) -> dict[str, Any]:
        """See `Network.write`."""
        if self.scaling == plan.scaling and self.classes == plan.classes == NAMES:
            shutil.copyfile(self._path, folder / INFERENCE)
            return {"parameters": None}
        content = litert_graph.joined(self._path.read_bytes(), self.shape, plan)
        (folder / INFERENCE).write_bytes(content)
        return {"parameters": None}


def _labels(path: Path, count: int) -> tuple[str, ...] | None:
    """Return the classes in the zip behind the model, where FER Explorer and TensorFlow's tools put them."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".txt")]
            name = LABELS if LABELS in names else names[0]
            if archive.getinfo(name).file_size > _MAX_LABELS:
                return None
            words = archive.read(name).decode().split("\n")
    except Exception:  # no zip, no list of names, or a damaged one
        return None
    return named_classes([word.strip() for word in words if word.strip()], count)


def named_classes(words: list[str], count: int) -> tuple[str, ...] | None:
    """Return the classes that a file names for its outputs, or None where they are not ours."""
    class_names = [emotions.find(word) for word in words]
    named = [name for name in class_names if name]
    if len(words) != count or len(named) < 2 or len(set(named)) < len(named):
        return None
    return tuple(name or word.replace(",", " ")[:40] for name, word in zip(class_names, words, strict=True))


def _quantised(batch: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    if details["dtype"] == np.float32:
        return batch.astype(np.float32)
    scale, zero = details["quantization"]
    limits = np.iinfo(details["dtype"])
    return np.round(batch / (scale or 1) + zero).clip(limits.min, limits.max).astype(details["dtype"])


def _dequantised(values: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    if details["dtype"] == np.float32:
        return values
    scale, zero = details["quantization"]
    return (values.astype(np.float32) - zero) * (scale or 1)
