"""Plan of a bundle's LiteRT file."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bundles.bundle import Bundle
from ..errors import ModelError
from .plan import Plan

_ACTIVATIONS = {0: "none", 1: "relu", 3: "relu6", 4: "tanh"}
_DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 9: np.int8}
_BINARY = {
    "ADD": "add",
    "SUB": "subtract",
    "MUL": "multiply",
    "DIV": "divide",
    "SQUARED_DIFFERENCE": "squared_difference",
    "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
}
_UNARY = {
    "NEG": "negate",
    "RSQRT": "inverse_root",
    "RELU": "relu",
    "RELU6": "relu6",
    "LEAKY_RELU": "leaky_relu",
    "ELU": "elu",
    "GELU": "gelu",
    "TANH": "tanh",
    "LOGISTIC": "sigmoid",
}
_REDUCTIONS = {"MEAN": "mean", "REDUCE_MAX": "max"}
_POOLING = {"MAX_POOL_2D": "max", "AVERAGE_POOL_2D": "average"}


def litert_plan(bundle: Bundle) -> bytes:
    """Return the plan of a bundle's inference file: (1, 48, 48, 1) grey in 0..255 -> (1, C) probabilities.

    Raises:
        ModelError: The file is missing, or has an operation that the browser's runtime does not know; the
            message names it.
    """
    if bundle.runs_onnx:
        raise ModelError(
            f"{bundle.name} runs in ONNX Runtime, and not in the browser: choose another model, or the way "
            "through the server."
        )
    try:
        content = bundle.inference_file.read_bytes()
    except OSError as error:
        raise ModelError(f"{bundle.inference_file} cannot be read ({error.strerror}).") from None
    return _Reader(bundle, content).plan()


class _Reader:
    """Translates one graph operation by operation."""

    def __init__(self, bundle: Bundle, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._bundle = bundle
        self._model = schema.ModelT.InitFromPackedBuf(content, 0)
        self._graph = self._model.subgraphs[0]
        self._names = {
            value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
        }
        self._plan = Plan()
        self._float16: dict[int, int] = {}  # tensor of a DEQUANTIZE operation -> the constant before it
        self._shapes: set[int] = set()  # tensors that hold the shape of another one, or parts of it

    def plan(self) -> bytes:
        for operation in self._graph.operators:
            self._translate(operation)
        return self._plan.content(
            input=str(self._graph.inputs[0]),
            output=str(self._graph.outputs[0]),
            shape=[1, *(int(n) for n in self._graph.tensors[self._graph.inputs[0]].shape[1:])],
            labels=list(self._bundle.labels),
        )

    def _translate(self, operation: Any) -> None:
        code = self._model.operatorCodes[operation.opcodeIndex]
        name = self._names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        options = operation.builtinOptions
        inputs, output = [int(i) for i in operation.inputs], str(int(operation.outputs[0]))
        x = str(inputs[0])
        if name == "DEQUANTIZE" and self._constant(inputs[0]) is not None:
            self._float16[int(operation.outputs[0])] = inputs[0]
        elif name == "SHAPE" or (name in ("STRIDED_SLICE", "PACK") and self._shapes & set(inputs)):
            self._shapes.add(int(operation.outputs[0]))
        elif name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            self._convolution(name, inputs, output, options)
        elif name in _POOLING:
            self._plan.step(
                "pool",
                [x],
                output,
                of=_POOLING[name],
                size=[options.filterHeight, options.filterWidth],
                stride=[options.strideH, options.strideW],
                padding=self._padding(options),
            )
        elif name in _BINARY:
            self._binary(_BINARY[name], inputs, output, options)
        elif name in _UNARY:
            self._plan.step("apply", [x], output, of=_UNARY[name], alpha=getattr(options, "alpha", None))
        elif name in _REDUCTIONS:
            axes, keep = self._numbers(inputs[1]), bool(options.keepDims)
            self._plan.step("reduce", [x], output, of=_REDUCTIONS[name], axes=axes, keep=keep)
        elif name == "RESIZE_BILINEAR" and options.halfPixelCenters and not options.alignCorners:
            self._plan.step("resize", [x], output, size=self._numbers(inputs[1]))
        elif name == "STRIDED_SLICE" and set(self._numbers(inputs[3])) == {1}:
            begin, end = self._numbers(inputs[1]), self._numbers(inputs[2])
            whole = [bool(options.beginMask & options.endMask >> i & 1) for i in range(len(begin))]
            parts = [None if all_of else [b, e] for b, e, all_of in zip(begin, end, whole, strict=True)]
            self._plan.step("slice", [x], output, parts=parts)
        elif name == "CONCATENATION":
            self._plan.step("concatenate", [str(i) for i in inputs], output, axis=options.axis)
        elif name == "REVERSE_V2":
            self._plan.step("reverse", [x], output, axes=self._numbers(inputs[1]))
        elif name == "RESHAPE":
            is_constant = inputs[1] not in self._shapes
            shape = self._numbers(inputs[1]) if is_constant else self._signature(int(operation.outputs[0]))
            self._plan.step("reshape", [x], output, shape=shape)
        elif name == "SOFTMAX":
            self._plan.step("softmax", [x], output)
        else:
            raise self._unknown(name)

    def _convolution(self, name: str, inputs: list[int], output: str, options: Any) -> None:
        weights, scale = self._weights(inputs[1])
        dense, depthwise = name == "FULLY_CONNECTED", name == "DEPTHWISE_CONV_2D"
        if dense:
            weights = weights[:, None, None, :]
        elif (options.dilationHFactor, options.dilationWFactor) != (1, 1):
            raise self._unknown("a dilated convolution")
        if depthwise:
            if options.depthMultiplier != 1:
                raise self._unknown("a depthwise convolution with a multiplier")
            weights = np.moveaxis(weights[0], 2, 0)
        count = len(weights)
        bias = (
            self._constant(inputs[2]) if len(inputs) > 2 and inputs[2] >= 0 else np.zeros(count, np.float32)
        )
        if scale is not None and len(scale) == 1:
            scale = np.repeat(scale, count)
        self._plan.convolution(
            "depthwise" if depthwise else "convolution",
            str(inputs[0]),
            output,
            weights=weights,
            scale=scale,
            bias=np.asarray(bias),
            stride=(1, 1) if dense else (options.strideH, options.strideW),
            padding="valid" if dense else self._padding(options),
            activation=self._activation(options),
            rounded=scale is not None,
        )

    def _binary(self, of: str, inputs: list[int], output: str, options: Any) -> None:
        activation = self._activation(options) if hasattr(options, "fusedActivationFunction") else "none"
        constants = [self._constant(i) for i in inputs]
        names = [str(i) for i, constant in zip(inputs, constants, strict=True) if constant is None]
        constant = next((c for c in constants if c is not None), None)
        self._plan.step(
            "combine",
            names,
            output,
            of=of,
            constant=None if constant is None else self._plan.array(constant.astype(np.float32)),
            constant_first=constants[0] is not None,
            activation=activation,
        )

    def _weights(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        values = self._constant(index)
        if values is None:
            raise self._unknown("weights that are computed")
        quantised = self._graph.tensors[self._float16.get(index, index)].quantization
        scale = (
            None if quantised is None or quantised.scale is None else np.asarray(quantised.scale, np.float32)
        )
        if values.dtype == np.int8:
            if scale is None or not len(scale):
                raise self._unknown("8-bit weights without a scale")
            return values, scale
        return values.astype(np.float32), None

    def _constant(self, index: int) -> np.ndarray | None:
        """Return the values of a tensor that is stored in the file; None for one that is computed."""
        tensor = self._graph.tensors[self._float16.get(index, index)]
        data = self._model.buffers[tensor.buffer].data
        if data is None or not len(data):
            return None
        if tensor.type not in _DTYPES:
            raise self._unknown(f"a tensor of type {tensor.type}")
        shape = () if tensor.shape is None else tensor.shape
        return np.frombuffer(bytes(data), _DTYPES[tensor.type]).reshape(shape)

    def _numbers(self, index: int) -> list[int]:
        values = self._constant(index)
        if values is None:
            raise self._unknown("a shape that is computed")
        return [int(n) for n in values.ravel()]

    def _signature(self, index: int) -> list[int]:
        """Return the shape of a tensor, with -1 for the number of images."""
        return [int(n) for n in self._graph.tensors[index].shapeSignature]

    def _activation(self, options: Any) -> str:
        kind = options.fusedActivationFunction
        if kind not in _ACTIVATIONS:
            raise self._unknown(f"activation {kind}")
        return _ACTIVATIONS[kind]

    @staticmethod
    def _padding(options: Any) -> str:
        return "valid" if options.padding else "same"

    def _unknown(self, what: str) -> ModelError:
        return ModelError(
            f"{self._bundle.name} cannot run in the browser, whose runtime does not know {what}: choose "
            "another model, or the way through the server."
        )
