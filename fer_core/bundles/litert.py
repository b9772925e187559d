"""The light inference file of a graph, at full size or quantised."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np

from ..config import Quantisation
from ..errors import ModelError
from ..native_output import silenced
from .class_names import IDENTIFIER, aligned_builder

QUANTISATIONS = get_args(Quantisation)


def check_converter() -> None:
    """Check that Keras runs on TensorFlow, which converts models.

    Raises:
        ModelError: Keras runs on another backend.
    """
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            f"LiteRT and ONNX files are made by TensorFlow, and Keras runs on {keras.backend.backend()}: "
            "unset KERAS_BACKEND."
        )


def quantisation(card: dict[str, Any]) -> Quantisation:
    """Return the quantisation of the inference file that a card names.

    Raises:
        ModelError: The quantisation is unknown.
    """
    named = card.get("quantisation", "none")
    if named not in QUANTISATIONS:
        raise ModelError(
            f"The card names the quantisation {named!r}: expected one of {', '.join(QUANTISATIONS)}."
        )
    return named


def export_litert(graph: keras.Model, path: Path, quantisation: Quantisation = "none") -> None:
    """Write the LiteRT file at `path`.

    Args:
        quantisation: "none" keeps float32 weights; "float16" halves the file and leaves the computation as it
            was; "int8" keeps weights in 8 bits with a scale for each channel and quantises the activations of
            each image as it runs, which needs no calibration data. Depthwise convolutions stay in float32.

    Raises:
        ModelError: The conversion is not possible, see `check_converter`.
    """
    check_converter()
    import tensorflow as tf

    # `keras.Model.export` writes a SavedModel and reads it again, which takes three times as long.
    shape = (None, *graph.input_shape[1:])
    compute = tf.function(
        lambda image: graph(image, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32, name="image")],
        autograph=False,
    )
    with (
        silenced(1),
        silenced(2),
    ):  # the converter prints its progress, and that it would rather have a folder
        converter = tf.lite.TFLiteConverter.from_concrete_functions([compute.get_concrete_function()])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        if quantisation != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantisation == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    path.write_bytes(_completed(content, float_depthwise=quantisation == "int8"))


def _completed(content: bytes, float_depthwise: bool) -> bytes:
    """Return a LiteRT file with the signature that programs call it by."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    if float_depthwise:
        _make_depthwise_float(model)
    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [schema.TensorMapT()], [schema.TensorMapT()]
    signature.inputs[0].name, signature.inputs[0].tensorIndex = b"image", graph.inputs[0]
    signature.outputs[0].name, signature.outputs[0].tensorIndex = b"output_0", graph.outputs[0]
    model.signatureDefs = [signature]
    builder = aligned_builder(2 * len(content))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _make_depthwise_float(model: Any) -> None:
    """Give the depthwise convolutions of a LiteRT model float32 weights, in place.

    In 8 bits LiteRT has no fast kernel for them: they took 60% of the time of a MobileNet with 2% of its
    weights.
    """
    from ai_edge_litert import schema_py_generated as schema

    for graph in model.subgraphs:
        for operator in graph.operators:
            kind = model.operatorCodes[operator.opcodeIndex].builtinCode
            if kind != schema.BuiltinOperator.DEPTHWISE_CONV_2D:
                continue
            weights = graph.tensors[operator.inputs[1]]
            if weights.type != schema.TensorType.INT8:
                continue
            buffer = model.buffers[weights.buffer]
            steps = np.frombuffer(bytes(buffer.data), np.int8).reshape(weights.shape)  # (1, h, w, channels)
            values = steps * np.asarray(weights.quantization.scale, np.float32)
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            weights.type, weights.quantization = schema.TensorType.FLOAT32, None
