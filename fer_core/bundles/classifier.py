"""Classifier on a bundle's inference file: LiteRT, which needs a few megabytes and no TensorFlow.

Some models from elsewhere have an ONNX file instead, see `onnx_runtime`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence

import numpy as np

from ..errors import ImageError, ModelError, reason
from ..native_output import silenced
from .bundle import Bundle, model_sha256
from .onnx_runtime import ONNXRuntime

_BATCH = 64


class Classifier:
    """Expression classifier of 48x48 grey faces. One object may be used from several threads.

    Raises:
        ModelError: The bundle has no readable inference file.
    """

    _keep_tensors = False  # whether the values of inner layers can be read after a run

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self.labels = bundle.labels
        if not bundle.inference_file.is_file():
            raise ModelError(
                f"{bundle.path} has no inference file {bundle.inference_file.name}: make the bundle again "
                "with the command bundle."
            )
        self.version = model_sha256(bundle)[:12]  # equal where the answers are
        self._lock = threading.Lock()
        self._onnx: ONNXRuntime | None = None
        if bundle.runs_onnx:
            self._onnx = ONNXRuntime(bundle.inference_file, threads)
            self._one_at_a_time = self._onnx.one_at_a_time
            self._check(self._onnx.input_shape, self._onnx.count)
        else:
            self._open_litert(threads)

    def _open_litert(self, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        file = self.bundle.inference_file
        try:
            # LiteRT announces its delegate, and that kept tensors take memory.
            with (
                silenced(2),
                warnings.catch_warnings(action="ignore"),
            ):
                self._interpreter = Interpreter(
                    str(file),
                    num_threads=threads,
                    experimental_preserve_all_tensors=self._keep_tensors,
                )
                self._interpreter.allocate_tensors()
            details = self._interpreter.get_input_details()[0]
            self._input, self._output = details["index"], self._interpreter.get_output_details()[0]["index"]
            self._size = 0
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{file} cannot be read as a LiteRT model: {reason(error)}.") from None
        # Of a model from elsewhere that was converted for one image.
        self._one_at_a_time = list(details["shape_signature"][:1]) == [1]
        self._check(list(details["shape"][1:]), self._interpreter.get_output_details()[0]["shape"][-1])

    def _check(self, shape: list[int], outputs: int) -> None:
        if shape != [48, 48, 1] or outputs != len(self.labels):
            raise ModelError(
                f"{self.bundle.inference_file} does not fit its card: it takes {shape} and "
                f"has {outputs} outputs, expected [48, 48, 1] and {len(self.labels)} labels."
            )

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return (N, C) float32 probabilities, in the order of `labels`.

        Args:
            images: (N, 48, 48) uint8 grey.

        Raises:
            ImageError: The images have another shape or type.
        """
        if images.dtype != np.uint8:
            raise ImageError(
                f"The model takes grey values from 0 to 255 as uint8, not {images.dtype}: multiply "
                "fractions by 255, round, and convert with .astype('uint8')."
            )
        if images.ndim != 3 or images.shape[1:] != (48, 48):
            raise ImageError(
                f"The model takes grey faces as an array (N, 48, 48), not {images.shape}: Predictor cuts "
                "them from any picture."
            )
        out = np.empty((len(images), len(self.labels)), np.float32)
        size = 1 if self._one_at_a_time else _BATCH
        for start in range(0, len(images), size):
            out[start : start + size] = self._answer(images[start : start + size])
        return out

    def _answer(self, images: np.ndarray) -> np.ndarray:
        """Return (n, C) probabilities of (n, 48, 48) uint8 images."""
        if self._onnx is not None:
            return self._onnx.run(images[..., None].astype(np.float32))
        return self._run(images, [self._output])[0]

    def _run(self, images: np.ndarray, tensors: Sequence[int]) -> list[np.ndarray]:
        """Return the values of some tensors after one pass of (n, 48, 48) uint8 images."""
        batch = images[..., None].astype(np.float32)
        with self._lock:
            if len(batch) != self._size:
                self._interpreter.resize_tensor_input(self._input, batch.shape)
                self._interpreter.allocate_tensors()
                self._size = len(batch)
            self._interpreter.set_tensor(self._input, batch)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(tensor) for tensor in tensors]
