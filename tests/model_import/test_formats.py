"""A model from each format, size, scaling and order gives the right label for every image."""

from __future__ import annotations

import io
import itertools
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.bundles.bundle import Bundle, find_bundle, read_bundle
from fer_core.bundles.classifier import Classifier
from fer_core.bundles.export import export
from fer_core.emotions import NAMES
from fer_core.model_import import worker
from tests.data import build
from tests.model_import import made

pytestmark = pytest.mark.long

IMAGES, CODES = build.faces(70, 1)
RIGHT = [build.class_in(image) for image in IMAGES]


def imported(file: Path, folder: Path, **request: Any) -> tuple[Bundle, Any]:
    """The bundle and the findings of a file, as the process for it makes them, in this process."""
    from fer_core.model_import.open_network import open_network
    from fer_core.model_import.worker import _look
    from fer_core.model_import.write import write_files

    place, out = folder / "request", folder / "bundle"
    place.mkdir(parents=True)
    out.mkdir()
    request = {"input": "auto", "classes": "auto", "source": "faces.npz", "faces": True} | request
    if request["faces"]:
        np.savez(place / worker.FACES, images=IMAGES, labels=CODES)
    (place / worker.UNPACKED).mkdir()
    network = open_network(file, place / worker.UNPACKED)
    findings = _look(network, request, place)
    write_files(out, "elsewhere", file, network, findings)
    return read_bundle(out), findings


def labels(bundle: Bundle, images: np.ndarray = IMAGES) -> list[str]:
    """The label of every image; its probabilities sum to 1."""
    probabilities = Classifier(bundle).probabilities(images)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    return [bundle.labels[k] for k in probabilities.argmax(axis=1)]


@pytest.mark.parametrize(
    ("scaling", "side", "channels", "activation", "first"),
    [
        ("unit", 64, 3, "softmax", False),
        ("tf", 48, 1, "softmax", False),
        ("raw", 96, 1, "linear", False),
        ("torch", 112, 3, "linear", True),
        ("caffe", 224, 3, "softmax", False),
        ("fer2013", 64, 1, "softmax", True),
    ],
)
def test_input_is_found(
    scaling: str, side: int, channels: int, activation: str, first: bool, tmp_path: Path
) -> None:
    options = {"side": side, "channels": channels, "activation": activation, "first": first}
    made.keras_network(scaling, **options).save(tmp_path / "network.keras")  # type: ignore[arg-type]
    bundle, findings = imported(tmp_path / "network.keras", tmp_path)
    assert (findings.scaling, findings.scaling_by) == (scaling, "tried")
    assert findings.classes == tuple(made.ORDER) and findings.tries[0].accuracy == 1
    assert findings.kind == ("probabilities" if activation == "softmax" else "logits")
    assert labels(bundle) == RIGHT


@pytest.mark.parametrize(
    ("order", "title"),
    [
        (build.CODES, "FER2013"),
        (("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"), "AffectNet"),
        (("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), "RAF-DB"),
        (sorted((*build.CODES, "contempt")), "Alphabetical with contempt"),
        (("fear", "neutral", "angry", "sad", "happy", "disgust", "surprise"), None),
    ],
)
def test_order_is_found(order: Sequence[str], title: str | None, tmp_path: Path) -> None:
    bundle, findings = imported(made.write_onnx(tmp_path / "network.onnx", "unit", order), tmp_path)
    assert findings.tries[0].title == (title or ", ".join(order))
    assert labels(bundle) == RIGHT


def test_fewer_classes_never_answer_the_others(tmp_path: Path) -> None:
    order = tuple(name for name in made.ORDER if name != "disgust")
    bundle, findings = imported(made.write_onnx(tmp_path / "network.onnx", "unit", order), tmp_path)
    assert findings.classes == order and bundle.labels == NAMES
    found = labels(bundle)
    assert all(name == right for name, right in zip(found, RIGHT, strict=True) if right in order)
    assert set(found) == set(order)
    assert (Classifier(bundle).probabilities(IMAGES)[:, NAMES.index("disgust")] < 1e-6).all()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network in all formats that Keras writes."""
    folder = tmp_path_factory.mktemp("written")
    network = made.keras_network()
    network.save(folder / "network.keras")
    network.save(folder / "network.h5")
    network.export(folder / "saved", verbose=False)
    network.export(folder / "network.tflite", format="litert", verbose=False)
    shutil.make_archive(str(folder / "saved"), "zip", folder, "saved")
    return folder


@pytest.mark.parametrize("name", ["network.keras", "network.h5", "network.tflite", "saved", "saved.zip"])
def test_each_format_gives_the_right_label_for_every_image(name: str, written: Path, tmp_path: Path) -> None:
    bundle, findings = imported(written / name, tmp_path)
    assert (findings.scaling, findings.tries[0].title) == ("unit", "Alphabetical (Keras)")
    assert labels(bundle) == RIGHT
    assert bundle.keras_file.is_file() == (name in ("network.keras", "network.h5"))
    card = bundle.card["imported"]
    assert card["file"] == name and len(card["sha256"]) == 64
    assert card["chosen"]["Input"] == "0 to 1 (unit), chosen by trying on faces.npz"


def test_a_file_of_keras_2_is_read(tmp_path: Path) -> None:
    """With its own words for the input, and a setting that Keras 3 does not take."""
    import json

    import h5py

    path = tmp_path / "old.h5"
    made.keras_network(depthwise=True).save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
            settings = layer["config"]
            settings["dtype"] = "float32"
            if layer["class_name"] == "DepthwiseConv2D":
                settings["groups"] = 1
            if layer["class_name"] == "InputLayer":
                settings["batch_input_shape"] = settings.pop("batch_shape")
                settings.pop("optional", None)
                layer["inbound_nodes"] = []
            for key, value in settings.items():
                if isinstance(value, dict) and "module" in value:
                    settings[key] = {"class_name": value["class_name"], "config": value["config"]}
        layers = config["config"]["layers"]
        for before, layer in itertools.pairwise(layers):
            layer["inbound_nodes"] = [[[before["name"], 0, 0, {}]]]
        config["config"]["input_layers"] = [[layers[0]["name"], 0, 0]]
        config["config"]["output_layers"] = [[layers[-1]["name"], 0, 0]]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.15.0"
    bundle, _ = imported(path, tmp_path)
    assert labels(bundle) == RIGHT


def test_a_quantised_file_is_read(tmp_path: Path) -> None:
    import tensorflow as tf

    network = made.keras_network(activation="linear")
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    levels = np.linspace(0, 1, 40, dtype=np.float32)
    converter.representative_dataset = lambda: ([np.full((1, 64, 64, 3), level)] for level in levels)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (tmp_path / "network.tflite").write_bytes(converter.convert())
    bundle, findings = imported(tmp_path / "network.tflite", tmp_path, input="unit", classes="alphabetical")
    assert (findings.scaling_by, findings.classes_by) == ("given", "given")
    right = np.mean([name == true for name, true in zip(labels(bundle), RIGHT, strict=True)])
    assert right > 0.8  # 8 bits are coarse for logits of thousands


@pytest.mark.parametrize("batch", [1, "N"])
def test_a_file_for_one_image_at_a_time_takes_many(batch: int | str, tmp_path: Path) -> None:
    bundle, _ = imported(made.write_onnx(tmp_path / "network.onnx", batch=batch), tmp_path)
    assert Classifier(bundle)._one_at_a_time == (batch == 1)
    assert labels(bundle) == RIGHT


@pytest.mark.parametrize("format", ["keras", "litert", "onnx"])
def test_own_exports_need_no_data(format: str, tmp_path: Path) -> None:
    own = find_bundle("tiny")
    file = tmp_path / ("model" + {"keras": ".keras", "litert": ".tflite", "onnx": ".onnx"}[format])
    export(own, format, file)
    bundle, findings = imported(file, tmp_path, faces=False)
    assert (findings.scaling_by, findings.classes_by) == ("file", "file")
    same = Classifier(own).probabilities(IMAGES) - Classifier(bundle).probabilities(IMAGES)
    assert np.abs(same).max() < 0.05  # the shipped file computes in 8 bits


def test_a_zip_in_a_zip_of_folders_is_found(written: Path, tmp_path: Path) -> None:
    """As systems pack a folder: with other files beside it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted((written / "saved").rglob("*")):
            archive.write(path, Path("My model") / path.relative_to(written))
        archive.writestr("__MACOSX/._saved", b"")
    (tmp_path / "packed.zip").write_bytes(buffer.getvalue())
    bundle, _ = imported(tmp_path / "packed.zip", tmp_path)
    assert labels(bundle) == RIGHT
