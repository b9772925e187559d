"""The light inference file of a graph, at full size or quantised."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np

from ..config import Quantisation
from ..errors import ModelError
from ..native_output import silenced
from .class_names import IDENTIFIER, INPUT, aligned_builder

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
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    # Keras' own exporter first writes layers and variables to a SavedModel, which takes three times as long.
    image = tf.TensorSpec(graph.input_shape, graph.inputs[0].dtype, INPUT)
    answer = tf.function(lambda images: graph(images, training=False), [image], autograph=False)
    constant = convert_variables_to_constants_v2(answer.get_concrete_function(), lower_control_flow=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([constant], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    if quantisation != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantisation == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with silenced(1), silenced(2):  # the converter prints its progress
        content = converter.convert()
    path.write_bytes(_with_float_depthwise(content) if quantisation == "int8" else content)


def _with_float_depthwise(content: bytes) -> bytes:
    """Return a LiteRT file whose depthwise convolutions have float32 weights.

    In 8 bits LiteRT has no fast kernel for them: they took 60% of the time of a MobileNet with 2% of its
    weights.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
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
    builder = aligned_builder(2 * len(content))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())
