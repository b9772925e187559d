"""Write a model bundle: the Keras model, the light inference file, the card and the validation probabilities."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..bundle import CARD, INFERENCE, KERAS, PROBABILITIES, Bundle, write_card
from ..config import RunConfig
from ..data.dataset import Dataset
from ..emotions import NAMES
from ..errors import ModelError
from ..evaluation.calibration import BINS, expected_calibration_error, fit_temperature, rescale
from ..evaluation.metrics import evaluate, figures
from ..inference.classifier import Classifier
from . import model_card
from .architecture import layer_table, multiply_adds
from .compact import compress, round_weights
from .graph import predict, shipped_graph
from .litert import export_litert


def write_bundle(
    path: Path,
    networks: Sequence[keras.Model],
    *,
    name: str,
    config: RunConfig,
    dataset: Dataset,
    training: dict[str, Any],
    validation: tuple[np.ndarray, np.ndarray],
    command: str,
    members: list[dict[str, Any]] | None = None,
) -> None:
    """Replace the bundle at `path` in one step.

    The temperature is fitted on the validation images. Under another Keras backend than TensorFlow the inference file is left
    out; the `bundle` command makes it later.

    Args:
        networks: float32, weights set; one, or those of an ensemble.
        training: what the card says about the training.
        validation: images (n, 48, 48) uint8 and labels (n,) of the split that the weights were chosen on.
        command: what repeats it.
        members: what an ensemble's card says about each of its networks.

    Raises:
        ModelError: `path` is a folder with something else in it.
    """
    if path.exists() and any(path.iterdir()) and not (path / CARD).exists():
        raise ModelError(
            f"{path} holds something other than a model bundle, which would be lost: name another folder."
        )
    images, labels = validation
    small = config.bundle.quantisation != "none"
    if small:
        round_weights(networks)
    mirror, zoom = config.bundle.mirror, config.bundle.zoom
    plain = predict(shipped_graph(networks), images)
    uncalibrated = (
        predict(shipped_graph(networks, mirror=mirror, zoom=zoom), images) if mirror or zoom else plain
    )
    temperature = fit_temperature(uncalibrated, labels)
    graph = shipped_graph(networks, mirror=mirror, zoom=zoom, temperature=temperature)
    probabilities = rescale(uncalibrated, temperature).astype(np.float32)

    temporary = path.with_name(f".{path.name}.new")  # the lock of the run keeps other processes out
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    graph.save(temporary / KERAS)
    if small:
        compress(temporary / KERAS)
    before_quantisation = float((probabilities.argmax(1) == labels).mean())
    if keras.backend.backend() == "tensorflow":
        export_litert(graph, temporary / INFERENCE, config.bundle.quantisation)
        probabilities = Classifier(Bundle(temporary, {"labels": list(NAMES)})).probabilities(
            images
        )  # what users get

    source = (
        dataset.source if dataset.source.startswith(("synthetic", "kaggle:")) else Path(dataset.source).name
    )
    votes = Path(config.data.votes).name if config.data.votes else None
    teacher = Path(config.train.teacher).name if config.train.teacher else None
    truth = {"fingerprint": dataset.fingerprint, "truth": config.train.output}
    card = {
        "name": name,
        "preset": config.preset,
        "created": time.strftime("%Y-%m-%d"),
        "labels": list(NAMES),
        "truth": config.train.output,
        "input": {"shape": [48, 48, 1], "values": "grey 0 to 255; the model rescales inside"},
        "parameters": sum(int(network.count_params()) for network in networks),
        "multiply_adds": multiply_adds(graph),
        "mirror": mirror,
        "zoom": zoom,
        "temperature": temperature,
        "quantisation": config.bundle.quantisation,
        "data": {"source": source, "format": dataset.format, "fingerprint": dataset.fingerprint},
        # without the folders of the machine
        "config": config.override("data", source=source, votes=votes)
        .override("train", teacher=teacher)
        .model_dump(),
        "training": training,
        "command": command,
        "members": members or [],
        "figures": {"validation": figures(evaluate(probabilities, labels, NAMES)) | truth},
        "steps": {  # accuracy and calibration error on validation, with and without what was done after training
            "bins": BINS,
            "accuracy_one_view": float((plain.argmax(1) == labels).mean()) if mirror or zoom else None,
            "accuracy_before_quantisation": before_quantisation,
            "calibration_error_before_temperature": expected_calibration_error(uncalibrated, labels),
        },
        "layers": layer_table(graph),
    }
    card |= model_card.sections(card)
    np.savez_compressed(temporary / PROBABILITIES, validation=probabilities.astype(np.float32))
    write_card(temporary / CARD, card)
    if path.exists():
        shutil.rmtree(path)
    os.replace(temporary, path)
