"""LiteRT files joined end to end: preparation, a network from elsewhere, and the answer.

The three are graphs of one input and one output. Joined, the tensors of each come after those of the one
before, and what reads a graph's input reads the output before it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ..bundles.class_names import IDENTIFIER, aligned_builder
from ..errors import ModelError
from .input_values import SIDE, InputShape
from .network import Plan


def joined(content: bytes, shape: InputShape, plan: Plan) -> bytes:
    """Return a LiteRT file that takes (N, 48, 48, 1) in 0..255 and gives (N, 7) probabilities.

    Args:
        content: The file of the network.
        shape: What it takes.
        plan: What is put around it.

    Raises:
        ModelError: The file has several graphs, or its parts do not fit together.
    """
    from ai_edge_litert import schema_py_generated as schema

    network = schema.ModelT.InitFromPackedBuf(content, 0)
    if len(network.subgraphs) != 1:
        raise ModelError(
            "The LiteRT file has several graphs (loops or conditions): expected one that runs straight "
            "through."
        )
    before, after = (schema.ModelT.InitFromPackedBuf(part, 0) for part in _ends(shape, plan))
    model = schema.ModelT()
    model.version, model.description = 3, "FER Explorer"
    model.operatorCodes, model.buffers = [], [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = "main", [], []
    model.subgraphs = [graph]
    last = None
    for part in (before, network, after):
        last = _append(model, part, last, schema)
    graph.outputs = np.array([last], np.int32)
    if shape.one_at_a_time:
        graph.tensors[graph.inputs[0]].shapeSignature = np.array([1, SIDE, SIDE, 1], np.int32)
    builder = aligned_builder(len(content))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _append(model: Any, part: Any, last: int | None, schema: Any) -> int:
    """Append a graph that reads tensor `last`, and return its output."""
    graph, added = model.subgraphs[0], part.subgraphs[0]
    tensors, buffers, codes = len(graph.tensors), len(model.buffers), len(model.operatorCodes)
    model.buffers += part.buffers
    model.operatorCodes += part.operatorCodes
    for tensor in added.tensors:
        tensor.buffer += buffers
        graph.tensors.append(tensor)
    first = int(added.inputs[0]) + tensors
    if last is None:
        graph.inputs = np.array([first], np.int32)
    else:
        last = _as_type(model, last, first, schema)
    for operator in added.operators:
        operator.opcodeIndex += codes
        inputs = np.where(
            np.asarray(operator.inputs) < 0, operator.inputs, np.asarray(operator.inputs) + tensors
        )
        operator.inputs = np.where(inputs == first, first if last is None else last, inputs).astype(np.int32)
        operator.outputs = (np.asarray(operator.outputs) + tensors).astype(np.int32)
        if operator.intermediates is not None:
            operator.intermediates = (np.asarray(operator.intermediates) + tensors).astype(np.int32)
        graph.operators.append(operator)
    output = int(added.outputs[0]) + tensors
    return last if last is not None and output == first else output


def _as_type(model: Any, last: int, wanted: int, schema: Any) -> int:
    """Return a tensor with the values of `last` in the type of `wanted`: 8-bit numbers or float32."""
    graph = model.subgraphs[0]
    if graph.tensors[last].type == graph.tensors[wanted].type:
        return last
    to_float = graph.tensors[wanted].type == schema.TensorType.FLOAT32
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.DEQUANTIZE if to_float else schema.BuiltinOperator.QUANTIZE
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 2 if to_float else 1
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = np.array([last], np.int32), np.array([wanted], np.int32)
    graph.operators.append(operator)
    return wanted


def _ends(shape: InputShape, plan: Plan) -> tuple[bytes, bytes]:
    """Return the LiteRT files of preparation and answer."""
    from ..keras_import import import_keras

    import_keras()
    import keras

    from ..bundles.litert import export_litert
    from . import keras_graph

    image = keras.Input((SIDE, SIDE, 1), name="image")
    outputs = keras.Input((len(plan.classes),), name="outputs")
    models = (
        keras.Model(
            image, keras.layers.Activation("linear")(keras_graph.prepare(image, shape, plan.scaling))
        ),
        keras.Model(outputs, keras_graph.answer(outputs, plan, plan.kind)),
    )
    with tempfile.TemporaryDirectory(prefix="fer-import-") as folder:
        paths = [Path(folder) / f"{number}.tflite" for number in range(2)]
        for model, path in zip(models, paths, strict=True):
            export_litert(model, path)
        return paths[0].read_bytes(), paths[1].read_bytes()
