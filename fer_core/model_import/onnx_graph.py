"""ONNX graphs with preparation and answer around a network from elsewhere.

Only operations that are the same in all versions of ONNX are added, so that a file keeps its own: images are
resized by two matrices (`input_values.resize_matrix`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bundles.class_names import INPUT, OUTPUT
from ..emotions import NAMES
from .input_values import EPSILON, SCALINGS, SIDE, InputShape, resize_matrix
from .network import Plan, selection
from .outputs import LOGITS

_OWN = "fer_explorer_"  # begins the names of what is added


def joined(model: Any, shape: InputShape, plan: Plan) -> Any:
    """Return a model that takes (N, 48, 48, 1) in 0..255 and gives (N, 7) probabilities.

    Args:
        model: An `onnx.ModelProto`, which stays as it is.
        shape: What it takes.
        plan: What is put around it.
    """
    import onnx

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    weights = {tensor.name for tensor in graph.initializer}
    image = next(value for value in graph.input if value.name not in weights)
    output = graph.output[0].name
    inner, first = image.name, f"{_OWN}{INPUT}"
    before, after = _Nodes(graph), _Nodes(graph)
    _prepare(before, first, inner, shape, plan.scaling, image.type.tensor_type.elem_type)
    _answer(after, output, f"{_OWN}{OUTPUT}", plan)
    nodes = [*before.nodes, *graph.node, *after.nodes]
    del graph.node[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.remove(image)
    batch = 1 if shape.one_at_a_time else "N"
    kind = onnx.TensorProto.FLOAT
    graph.input.insert(0, onnx.helper.make_tensor_value_info(first, kind, [batch, SIDE, SIDE, 1]))
    graph.output.append(onnx.helper.make_tensor_value_info(f"{_OWN}{OUTPUT}", kind, [batch, len(NAMES)]))
    return result


class _Nodes:
    """Nodes in the order they run, and their constants."""

    def __init__(self, graph: Any) -> None:
        self.nodes: list[Any] = []
        self._graph = graph

    def add(self, kind: str, *inputs: str | np.ndarray, output: str = "", **settings: Any) -> str:
        """Add a node, and return the name of its output."""
        import onnx

        names = []
        for value in inputs:
            if isinstance(value, np.ndarray):
                tensor = onnx.numpy_helper.from_array(value, f"{_OWN}constant_{len(self._graph.initializer)}")
                self._graph.initializer.append(tensor)
                if self._graph.input and self._lists_weights():  # of old versions
                    self._graph.input.append(
                        onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(value.shape))
                    )
                names.append(tensor.name)
            else:
                names.append(value)
        output = output or f"{_OWN}{kind}_{id(self)}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, names, [output], **settings))
        return output

    def _lists_weights(self) -> bool:
        return len(self._graph.input) > 1


def _prepare(nodes: _Nodes, image: str, output: str, shape: InputShape, scaling: str, kind: int) -> None:
    """Add what `input_values.prepare` does."""
    values = SCALINGS[scaling]
    pixels = shape.height * shape.width
    x = nodes.add("Reshape", image, np.array([-1, SIDE, SIDE], np.int64))
    x = nodes.add("MatMul", resize_matrix(SIDE, shape.height), x)
    x = nodes.add("MatMul", x, np.ascontiguousarray(resize_matrix(SIDE, shape.width).T))  # (N, H, W)
    if values.standardised:
        x = nodes.add("Reshape", x, np.array([-1, pixels], np.int64))
        mean = np.full((pixels, 1), 1 / pixels, np.float32)
        x = nodes.add("Sub", x, nodes.add("MatMul", x, mean))
        variance = nodes.add("MatMul", nodes.add("Mul", x, x), mean)
        x = nodes.add(
            "Div", x, nodes.add("Sqrt", nodes.add("Add", variance, np.array([EPSILON], np.float32)))
        )
    size = [-1, 1, shape.height, shape.width] if shape.channels_first else [-1, shape.height, shape.width, 1]
    x = nodes.add("Reshape", x, np.array(size, np.int64))
    if shape.channels == 3:
        x = nodes.add("Concat", x, x, x, axis=1 if shape.channels_first else 3)
    per_channel = (shape.channels, 1, 1) if shape.channels_first else (shape.channels,)
    scale, offset = (
        np.array(numbers[: shape.channels], np.float32).reshape(per_channel)
        for numbers in (values.scale, values.offset)
    )
    x = nodes.add("Add", nodes.add("Mul", x, scale), offset)
    nodes.add("Cast", x, output=output, to=kind)


def _answer(nodes: _Nodes, outputs: str, name: str, plan: Plan) -> None:
    """Add what `keras_graph.answer` does."""
    import onnx

    chosen = selection(plan.classes, NAMES)
    y = nodes.add("Reshape", outputs, np.array([-1, len(plan.classes)], np.int64))
    y = nodes.add("Cast", y, to=onnx.TensorProto.FLOAT)
    y = nodes.add("MatMul", y, chosen)
    if plan.kind == LOGITS:
        missing = np.where(chosen.sum(axis=0) == 0, -1e4, 0).astype(np.float32)
        nodes.add("Softmax", nodes.add("Add", y, missing), output=name, axis=1)
        return
    total = nodes.add("MatMul", y, np.ones((len(NAMES), 1), np.float32))
    nodes.add("Div", y, nodes.add("Add", total, np.array([1e-9], np.float32)), output=name)
