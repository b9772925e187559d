"""Write a model bundle: the Keras model, the light inference file, the card and the validation probabilities."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..bundle import CARD, INFERENCE, KERAS, PROBABILITIES, write_card
from ..config import RunConfig
from ..data.dataset import Dataset
from ..emotions import NAMES
from ..evaluation.metrics import evaluate, figures
from ..native_output import silenced


def write_bundle(
    path: Path,
    model: keras.Model,
    *,
    name: str,
    config: RunConfig,
    dataset: Dataset,
    training: dict[str, Any],
    validation: tuple[np.ndarray, np.ndarray],
) -> None:
    """Replace the bundle at `path` in one step.

    Args:
        model: float32, weights set; inputs (N, 48, 48, 1) in 0..255.
        training: what the card says about the training.
        validation: images (n, 48, 48) uint8 and labels (n,) of the split that the weights were chosen on.
    """
    temporary = path.with_name(f".{path.name}.new")  # the lock of the run keeps other processes out
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    model.save(temporary / KERAS)
    export_litert(model, temporary / INFERENCE)
    images, labels = validation
    probabilities = model.predict(images[..., None].astype(np.float32), batch_size=512, verbose=0)
    source = dataset.source if dataset.source.startswith(("synthetic", "kaggle:")) else Path(dataset.source).name
    card = {
        "name": name,
        "preset": config.preset,
        "created": time.strftime("%Y-%m-%d"),
        "labels": list(NAMES),
        "input": {"shape": [48, 48, 1], "values": "grey 0 to 255; the model rescales inside"},
        "parameters": int(model.count_params()),
        "multiply_adds": multiply_adds(model),
        "data": {"source": source, "format": dataset.format, "fingerprint": dataset.fingerprint},
        "config": config.override("data", source=source).model_dump(),  # without the folders of the machine
        "training": training,
        "figures": {"validation": figures(evaluate(probabilities, labels, NAMES)) | {"fingerprint": dataset.fingerprint}},
    }
    np.savez_compressed(temporary / PROBABILITIES, validation=probabilities.astype(np.float32))
    write_card(temporary / CARD, card)
    if path.exists():
        shutil.rmtree(path)
    os.replace(temporary, path)


def export_litert(model: keras.Model, path: Path) -> None:
    """Write the LiteRT file at `path`. Under another backend than TensorFlow, which converts it, `export` makes it later."""
    if keras.backend.backend() != "tensorflow":
        return
    with silenced(1), silenced(2):  # the converter prints its progress
        model.export(path, format="litert", verbose=False)


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one image through the convolutions and dense layers of `model`."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            _, height, width, _ = layer.output.shape
            total += height * width * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total
