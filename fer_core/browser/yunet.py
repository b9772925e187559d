"""Plan of YuNet, the face detector (Wu et al. 2023, doi:10.1007/s11633-023-1423-y), from its ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError
from .plan import Plan

_HEADS = ("cls", "obj", "bbox", "kps")  # class, presence, box, landmarks: 1 + 1 + 4 + 10 channels
_LEVELS = 3  # of strides 8, 16 and 32


def yunet_plan(path: Path) -> bytes:
    """Return the plan of `face_detection_yunet_2023mar_int8bq.onnx`.

    (1, H, W, 3) BGR in 0..255, sides that are multiples of 32 -> "level_0" to "level_2", (1, H / stride,
    W / stride, 16): logits of class and presence, box and landmarks.

    Raises:
        ModelError: The file cannot be read, or is another one.
    """
    import onnx

    try:
        graph = onnx.load(str(path)).graph
        return _Reader(graph).plan()
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"{path} cannot be read as YuNet: {error}.") from None


class _Reader:
    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._graph, self._plan = graph, Plan()
        # Values and scale (None for plain ones) of each constant.
        self._constants: dict[str, tuple[np.ndarray, np.ndarray | None]] = {
            item.name: (numpy_helper.to_array(item), None) for item in graph.initializer
        }
        self._activated = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "Relu"}
        self._heads: list[Any] = []

    def plan(self) -> bytes:
        for node in self._graph.node:
            self._translate(node)
        for level in range(_LEVELS):
            self._join_heads(level)
        return self._plan.content(input="input")

    def _translate(self, node: Any) -> None:
        inputs, output = list(node.input), node.output[0]
        if node.op_type == "DequantizeLinear":
            values, scale, zero = (self._constants[name][0] for name in inputs)
            # The difference has nine bits.
            self._constants[output] = values.astype(np.int16) - zero.astype(np.int16), scale.ravel()
        elif node.op_type == "Reshape" and inputs[0] in self._constants:
            (values, factors), shape = self._constants[inputs[0]], self._constants[inputs[1]][0]
            self._constants[output] = values.reshape(shape), factors
        elif node.op_type == "Conv" and "bbox_head" in inputs[1]:
            self._heads.append(node)
        elif node.op_type == "Conv":
            self._convolution(node)
        elif node.op_type == "MaxPool":
            self._plan.step(
                "pool", [inputs[0]], output, of="max", size=[2, 2], stride=[2, 2], padding="valid"
            )
        elif node.op_type == "Resize":
            self._plan.step("double", [inputs[0]], output)
        elif node.op_type == "Add":
            self._plan.step(
                "combine", inputs, output, of="add", constant=None, constant_first=False, activation="none"
            )

    def _convolution(self, node: Any) -> None:
        settings = _settings(node)
        (weights, scale), bias = self._constants[node.input[1]], self._plain(node.input[2])
        output = self._activated.get(node.output[0], node.output[0])
        depthwise = settings["group"] > 1
        self._plan.convolution(
            "depthwise" if depthwise else "convolution",
            node.input[0],
            output,
            weights=weights[:, 0] if depthwise else np.moveaxis(weights, 1, 3),
            scale=scale,
            bias=bias,
            stride=tuple(settings["strides"]),
            padding=list(settings["pads"][:2]),
            activation="none" if output == node.output[0] else "relu",
        )

    def _join_heads(self, level: int) -> None:
        """Add the four heads of a level as one convolution of 16 channels and one depthwise."""
        pairs = [
            [node for node in self._heads if f"multi_level_{head}.{level}." in node.input[1]]
            for head in _HEADS
        ]
        first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        for nodes, kind, x, y in (
            (first, "convolution", first[0].input[0], f"head_{level}"),
            (second, "depthwise", f"head_{level}", f"level_{level}"),
        ):
            weights = np.concatenate([self._plain(node.input[1]) for node in nodes])
            self._plan.convolution(
                kind,
                x,
                y,
                weights=weights[:, 0] if kind == "depthwise" else np.moveaxis(weights, 1, 3),
                bias=np.concatenate([self._plain(node.input[2]) for node in nodes]),
            )

    def _plain(self, name: str) -> np.ndarray:
        values, scale = self._constants[name]
        values = values.astype(np.float32)
        return values if scale is None else values * scale.reshape(-1, *[1] * (values.ndim - 1))


def _settings(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {item.name: helper.get_attribute_value(item) for item in node.attribute}
