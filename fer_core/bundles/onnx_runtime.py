"""ONNX Runtime, which runs the models from elsewhere that have no LiteRT file. It is an optional install."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError


def open_session(content: bytes, name: str, threads: int = 1) -> Any:
    """Return an `onnxruntime.InferenceSession`.

    Args:
        content: An ONNX file.
        name: Its name in messages.
        threads: How many run.

    Raises:
        ModelError: ONNX Runtime is not installed, or cannot run the file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ModelError(
            "ONNX models need ONNX Runtime: pip install -r requirements-onnx.txt (or the extra [onnx])."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # its messages go to the shell otherwise
    try:
        return onnxruntime.InferenceSession(
            content,
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,  # it prints
        )
    except Exception as error:  # of ONNX Runtime's own kinds
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{name} cannot be run by ONNX Runtime: {lines[0][:200].rstrip('.')}.") from None


class ONNXRuntime:
    """The ONNX file of a bundle: (n, 48, 48, 1) float32 in 0..255 -> (n, C) probabilities."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Read a file.

        Raises:
            ModelError: It is missing or damaged, or ONNX Runtime is not installed.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from None
        self._session = open_session(content, str(path), threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        fits = len(inputs) == len(outputs) == 1 and len(inputs[0].shape) == 4 and len(outputs[0].shape) == 2
        if not fits:
            raise ModelError(f"{path} is not an inference file of a bundle: import the model again.")
        self._name = inputs[0].name
        self.input_shape = list(inputs[0].shape[1:])
        self.count = outputs[0].shape[1]
        self.one_at_a_time = inputs[0].shape[0] == 1

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Return (n, C) float32 for a batch."""
        (answer,) = self._session.run(None, {self._name: batch})
        return np.asarray(answer)
