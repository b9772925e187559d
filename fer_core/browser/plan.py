"""Plan of a network: the steps as JSON, and the weights behind them.

The bytes are the length of the JSON (4 bytes, little endian), the JSON, blanks up to a multiple of 4, and the
weights, each array at a multiple of 4. `pages/widgets/in_browser/network.js` runs it.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

_TYPES = ("int8", "int16", "float32")


class Plan:
    """Steps of a network, each with the names of its tensors."""

    def __init__(self) -> None:
        self._steps: list[dict[str, Any]] = []
        self._arrays: list[bytes] = []
        self._size = 0

    def step(self, kind: str, inputs: list[str], output: str, **settings: Any) -> None:
        """Add a step.

        Args:
            kind: A function of network.js.
            inputs: Names of tensors.
            output: Name of the tensor that it makes, of any batch: (N, H, W, C) or (N, C).
            settings: What that function needs; JSON values, and arrays from `array`.
        """
        self._steps.append({"kind": kind, "inputs": inputs, "output": output, **settings})

    def array(self, values: np.ndarray) -> dict[str, Any]:
        """Keep an array of type int8, int16 or float32; return its place."""
        assert values.dtype.name in _TYPES, values.dtype
        content = np.ascontiguousarray(values).tobytes()
        place = {"at": self._size, "type": values.dtype.name, "shape": [int(n) for n in values.shape]}
        content += bytes(-len(content) % 4)
        self._arrays.append(content)
        self._size += len(content)
        return place

    def convolution(
        self,
        kind: str,
        x: str,
        y: str,
        *,
        weights: np.ndarray,
        bias: np.ndarray,
        scale: np.ndarray | None = None,
        stride: tuple[int, int] = (1, 1),
        padding: str | list[int] = "same",
        activation: str = "none",
        rounded: bool = False,
    ) -> None:
        """Add a convolution.

        Args:
            kind: "convolution", or "depthwise".
            x: Name of the input.
            y: Name of the output.
            weights: (outputs, height, width, inputs), or (channels, height, width) for depthwise; float32, or
                whole numbers with a scale.
            bias: (outputs,) float32.
            scale: (outputs,) float32, which the weights are multiplied by.
            stride: Down and across.
            padding: "same" or "valid" as in TensorFlow, or the rows and columns added at the top and left.
            activation: Of network.js.
            rounded: The input is rounded to 8 bits, as LiteRT does for 8-bit weights.
        """
        self.step(
            kind,
            [x],
            y,
            weights=self.array(weights),
            bias=self.array(bias.astype(np.float32)),
            scale=None if scale is None else self.array(scale.astype(np.float32)),
            stride=list(stride),
            padding=padding,
            activation=activation,
            rounded=rounded,
        )

    def content(self, **more: Any) -> bytes:
        """Return the bytes of the plan; `more` stands beside the steps in the JSON."""
        head = json.dumps({"steps": self._steps, **more}).encode()
        head += b" " * (-len(head) % 4)
        return struct.pack("<I", len(head)) + head + b"".join(self._arrays)
