"""Write a model bundle: the Keras model, the light inference file, the card and the validation
probabilities."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..config import BundleConfig, Quantisation, RunConfig
from ..data.dataset import Dataset
from ..emotions import NAMES
from ..errors import ModelError
from ..metrics.calibration import BINS, expected_calibration_error, fit_temperature, rescale
from ..metrics.classification import evaluate, figures
from . import model_card
from .bundle import CARD, INFERENCE, KERAS, PROBABILITIES, Bundle, write_card
from .classifier import Classifier
from .compress import compress, round_weights
from .graph import predict, shipped_graph
from .layer_table import layer_table, multiply_adds
from .litert import export_litert


@dataclass(frozen=True)
class TrainedNetworks:
    """Trained networks and the information for their card.

    Attributes:
        networks: The network, or those of an ensemble; float32.
        config: The settings of the run.
        dataset: The data that they were trained on.
        training: Epochs, seconds, machine and history of the training.
        command: The shell command that repeats it.
        members: The entries of an ensemble's card, one for each network.
        first_weights: Where the weights that the training started from were first learned, if elsewhere.
    """

    networks: Sequence[keras.Model]
    config: RunConfig
    dataset: Dataset
    training: dict[str, Any]
    command: str
    members: list[dict[str, Any]] = field(default_factory=list)
    first_weights: str | None = None


def write_bundle(
    path: Path, name: str, trained: TrainedNetworks, images: np.ndarray, labels: np.ndarray
) -> None:
    """Calibrate networks, measure them on validation, and replace the bundle at `path` in one step.

    Under another Keras backend than TensorFlow the inference file is left out; the `bundle` command makes it
    later.

    Args:
        path: The folder of the bundle.
        name: The name of the model.
        trained: The networks and their history.
        images: (n, 48, 48) uint8 of the split that the weights were chosen on, to fit the temperature.
        labels: (n,) true positions in emotions.NAMES.

    Raises:
        ModelError: `path` is a folder with something else in it.
    """
    if path.exists() and any(path.iterdir()) and not (path / CARD).exists():
        raise ModelError(
            f"{path} holds something other than a model bundle, which would be lost: name another folder."
        )
    settings = trained.config.bundle
    if settings.quantisation != "none":
        round_weights(trained.networks)
    calibrated = _calibrate(trained.networks, settings, images, labels)
    with new_folder(path) as folder:
        write_models(folder, calibrated.graph, settings.quantisation)
        # Those that users of the inference file get, where there is one.
        probabilities = calibrated.probabilities
        if (folder / INFERENCE).exists():
            probabilities = Classifier(Bundle(folder, {"labels": list(NAMES)})).probabilities(images)
        np.savez_compressed(folder / PROBABILITIES, validation=probabilities.astype(np.float32))
        write_card(folder / CARD, _card(name, trained, calibrated, probabilities, labels))


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write into that replaces `path` in one step, once all is written."""
    temporary = path.with_name(f".{path.name}.new")  # the lock of the run keeps other processes out
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    if path.exists():
        shutil.rmtree(path)
    os.replace(temporary, path)


@dataclass(frozen=True)
class _Calibrated:
    """The shipped graph, and probabilities of the validation images on the way to it, each (n, C) float32."""

    graph: keras.Model
    temperature: float
    one_view: np.ndarray | None  # where the graph averages several
    uncalibrated: np.ndarray
    probabilities: np.ndarray


def _calibrate(
    networks: Sequence[keras.Model], settings: BundleConfig, images: np.ndarray, labels: np.ndarray
) -> _Calibrated:
    """Fit the temperature of the shipped graph."""
    views = {"mirror": settings.mirror, "zoom": settings.zoom}
    one_view = predict(shipped_graph(networks), images)
    uncalibrated = predict(shipped_graph(networks, **views), images) if any(views.values()) else one_view
    temperature = fit_temperature(uncalibrated, labels)
    return _Calibrated(
        shipped_graph(networks, **views, temperature=temperature),
        temperature,
        one_view if any(views.values()) else None,
        uncalibrated,
        rescale(uncalibrated, temperature).astype(np.float32),
    )


def write_models(folder: Path, graph: keras.Model, quantisation: Quantisation) -> None:
    """Write the Keras file of a shipped graph, and under TensorFlow its inference file."""
    graph.save(folder / KERAS)
    if quantisation != "none":
        compress(folder / KERAS)
    if keras.backend.backend() == "tensorflow":
        export_litert(graph, folder / INFERENCE, quantisation)


def quantisation_effect(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Return how the answers of an inference file differ from those of its Keras model.

    Args:
        before: (n, C) probabilities of the Keras model.
        after: (n, C) probabilities of the inference file.

    Returns:
        The share of images with another label, and the largest difference of a probability.
    """
    return {
        "other_labels_after_quantisation": float((before.argmax(1) != after.argmax(1)).mean()),
        "largest_difference_after_quantisation": float(np.abs(before - after).max()),
    }


def _card(
    name: str,
    trained: TrainedNetworks,
    calibrated: _Calibrated,
    probabilities: np.ndarray,
    labels: np.ndarray,
) -> dict[str, Any]:
    """Return the card of a model; it names no folder of the machine."""
    config, dataset = trained.config, trained.dataset
    named = dataset.source.startswith(("synthetic", "kaggle:"))
    source = dataset.source if named else Path(dataset.source).name
    votes = Path(config.data.votes).name if config.data.votes else None
    teacher = Path(config.train.teacher).name if config.train.teacher else None
    start_from = Path(config.train.start_from).name if config.train.start_from else None
    portable = config.override("data", source=source, votes=votes).override(
        "train", teacher=teacher, start_from=start_from
    )

    def accuracy(answers: np.ndarray) -> float:
        return float((answers.argmax(1) == labels).mean())

    card = {
        "name": name,
        "preset": config.preset,
        "created": time.strftime("%Y-%m-%d"),
        "labels": list(NAMES),
        "truth": config.train.output,
        "input": {"shape": [48, 48, 1], "values": "grey 0 to 255; the model rescales inside"},
        "parameters": sum(int(network.count_params()) for network in trained.networks),
        "multiply_adds": multiply_adds(calibrated.graph),
        "mirror": config.bundle.mirror,
        "zoom": config.bundle.zoom,
        "temperature": calibrated.temperature,
        "quantisation": config.bundle.quantisation,
        "data": {
            "source": source,
            "format": dataset.format,
            "fingerprint": dataset.fingerprint,
            # Without the folders of the machine, as all of the card.
            "notes": [note.replace(dataset.source, source) for note in dataset.warnings],
        },
        "config": portable.model_dump(),
        "training": trained.training,
        "command": trained.command,
        "first_weights": trained.first_weights,
        "members": trained.members,
        "figures": {
            "validation": figures(evaluate(probabilities, labels, NAMES))
            | {"fingerprint": dataset.fingerprint, "truth": config.train.output}
        },
        # Accuracy and calibration error on validation, with and without the steps after training.
        "steps": {
            "bins": BINS,
            "accuracy_one_view": None if calibrated.one_view is None else accuracy(calibrated.one_view),
            "accuracy_before_quantisation": accuracy(calibrated.probabilities),
            **quantisation_effect(calibrated.probabilities, probabilities),
            "calibration_error_before_temperature": expected_calibration_error(
                calibrated.uncalibrated, labels
            ),
        },
        "layers": layer_table(calibrated.graph),
    }
    return card | model_card.sections(card)
