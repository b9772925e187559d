"""Export a model bundle to a file that other programs run: Keras, LiteRT or ONNX."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError, reason
from ..keras_import import import_keras
from ..native_output import silenced
from .bundle import Bundle, missing_keras
from .class_names import name_onnx, named_litert
from .classifier import Classifier

if TYPE_CHECKING:
    import keras

FORMATS = {"keras": ".keras", "litert": ".tflite", "onnx": ".onnx"}


def export(bundle: Bundle, format: str, out: Path) -> None:
    """Write the model of `bundle` to the file `out`.

    The input `image` is (N, 48, 48, 1) float32 in 0..255, the output `probabilities` (N, C). LiteRT and ONNX
    files name their classes, see `class_names`.

    Raises:
        ModelError: The format is unknown, the bundle is damaged, `out` cannot be written, or a conversion is
            needed and Keras runs on another backend than TensorFlow.
    """
    if format not in FORMATS:
        raise ModelError(f"Unknown format {format!r}: expected one of {', '.join(FORMATS)}.")
    if out.is_dir():
        raise ModelError(
            f"{out} is a folder: expected the name of a file such as {out / ('model' + FORMATS[format])}."
        )
    # Keras' exporters ask for certain endings, so the file is written under its own name and then moved into
    # place.
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
            written = Path(folder) / f"model{FORMATS[format]}"
            # What is only copied is read too: a damaged file must not be handed on.
            if bundle.runs_onnx and format == "onnx":
                Classifier(bundle)
                shutil.copyfile(bundle.inference_file, written)
            elif bundle.runs_onnx and format == "litert":
                raise ModelError(
                    f"{bundle.name} has an ONNX file and nothing that could be converted to LiteRT: export "
                    "it as onnx."
                )
            elif format == "litert" and bundle.inference_file.is_file():
                Classifier(bundle)
                written.write_bytes(named_litert(bundle.inference_file.read_bytes(), bundle.labels))
            elif format == "keras":
                load_keras(bundle)
                shutil.copyfile(bundle.keras_file, written)
            else:
                _convert(bundle, format, written)
            os.replace(written, out)
    except OSError as error:
        raise ModelError(f"{out} cannot be written: {error.strerror or error}.") from None


def load_keras(bundle: Bundle) -> keras.Model:
    """Load the Keras model of a bundle, in safe mode, which runs no code of the file.

    Raises:
        ModelError: The bundle is missing or damaged.
    """
    if not bundle.keras_file.is_file():
        raise ModelError(missing_keras(bundle))
    import_keras()
    import keras

    try:
        return keras.models.load_model(bundle.keras_file, safe_mode=True, compile=False)
    except Exception as error:  # Keras raises ValueError, TypeError, KeyError ... on damaged files
        raise ModelError(f"{bundle.keras_file} cannot be read as a Keras model: {reason(error)}.") from None


def _for_inference(model: keras.Model) -> keras.Model:
    """Return the same model, never in training: Keras' Resizing would begin it, also in files of earlier
    versions."""
    import keras

    image = keras.Input(model.input_shape[1:], name=model.input.name)
    return keras.Model(image, model(image, training=False), name=model.name)


def _convert(bundle: Bundle, format: str, written: Path) -> None:
    import_keras()
    from .litert import check_converter, export_litert, quantisation

    check_converter()
    model = load_keras(bundle)
    if format == "litert":
        export_litert(model, written, quantisation(bundle.card))
        written.write_bytes(named_litert(written.read_bytes(), bundle.labels))
        return
    import numpy as np

    model = _for_inference(model)
    with silenced(1), silenced(2):  # the converter prints its progress
        model(np.zeros((1, *model.input_shape[1:]), np.float32))  # tf2onnx needs the model called once
        model.export(written, format="onnx", verbose=False)
    name_onnx(written, bundle.labels)
