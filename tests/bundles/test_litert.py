"""Files for other runtimes give what the graph in Keras gives, and quantised ones are smaller."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from fer_core.bundles.bundle import Bundle
from fer_core.bundles.class_names import named_litert
from fer_core.bundles.export import export
from fer_core.bundles.graph import predict, shipped_graph
from fer_core.bundles.litert import QUANTISATIONS, export_litert
from fer_core.emotions import NAMES
from fer_core.errors import ModelError
from fer_core.inference import Classifier

from .conftest import network

pytestmark = pytest.mark.long

# The largest difference of a probability: float16 rounds weights to 11 bits, int8 weights and activations to
# 8.
TOLERANCE = {"none": 1e-5, "float16": 0.01, "int8": 0.04}


@pytest.fixture(scope="module")
def graph() -> keras.Model:
    """Big enough that its weights are most of the file."""
    return shipped_graph([network(3), network(4, "residual")], mirror=True, zoom=True, temperature=0.7)


@pytest.fixture(scope="module")
def files(graph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("litert")
    for quantisation in QUANTISATIONS:
        (folder / quantisation).mkdir()
        export_litert(graph, folder / quantisation / "model.tflite", quantisation)
    return {quantisation: folder / quantisation for quantisation in QUANTISATIONS}


def answers(folder: Path, images: np.ndarray) -> np.ndarray:
    return Classifier(Bundle(folder, {"labels": list(NAMES)})).probabilities(images)


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_an_inference_file_answers_as_the_graph_does(quantisation, graph, files, images) -> None:
    """For one image, for several, and again for one: the batch may change."""
    expected = predict(graph, images)
    for some in (slice(0, 1), slice(0, 9), slice(4, 5)):
        assert (
            np.abs(answers(files[quantisation], images[some]) - expected[some]).max()
            < TOLERANCE[quantisation]
        )
    assert np.abs(expected - expected.mean(axis=0)).max() > 0.2, (
        "or a mistake could hide within the tolerance"
    )


def test_a_quantised_file_keeps_the_mirror_image(files, images) -> None:
    for quantisation in QUANTISATIONS:
        both = answers(files[quantisation], images), answers(files[quantisation], images[:, :, ::-1])
        assert np.allclose(*both, atol=TOLERANCE[quantisation])


def test_quantised_files_are_smaller(files) -> None:
    size = {quantisation: (folder / "model.tflite").stat().st_size for quantisation, folder in files.items()}
    assert size["float16"] < 0.6 * size["none"] and size["int8"] < 0.6 * size["float16"], size


def test_export_keeps_the_quantisation_of_the_bundle(graph, files, tmp_path: Path) -> None:
    graph.save(tmp_path / "model.keras")
    export(
        Bundle(tmp_path, {"labels": list(NAMES), "quantisation": "int8"}), "litert", tmp_path / "out.tflite"
    )
    assert (tmp_path / "out.tflite").stat().st_size == pytest.approx(
        (files["int8"] / "model.tflite").stat().st_size, rel=0.02
    )


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_an_exported_file_names_its_classes_and_answers_as_before(
    quantisation, graph, files, images, tmp_path: Path
) -> None:
    bundle = Bundle(files[quantisation], {"labels": list(NAMES)})
    export(bundle, "litert", tmp_path / "model.tflite")
    assert zipfile.ZipFile(tmp_path / "model.tflite").read("labels.txt").decode().splitlines() == list(NAMES)
    interpreter = Interpreter(str(tmp_path / "model.tflite"))
    run = interpreter.get_signature_runner()
    named = run(image=images[:5, ..., None].astype(np.float32))["probabilities"]
    assert np.abs(named - answers(files[quantisation], images[:5])).max() < 1e-6
    assert interpreter.get_input_details()[0]["name"] == "image"


def test_no_litert_file_is_one_sentence() -> None:
    for content in (b"", b"no model at all"):
        with pytest.raises(ModelError, match="is not a LiteRT file"):
            named_litert(content, NAMES)


def test_under_another_backend_it_says_what_to_do(graph, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ModelError, match=r"runs on jax: unset KERAS_BACKEND"):
        export_litert(graph, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_an_ensemble_with_all_its_views_goes_to_onnx(graph, images, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip(
        "onnxruntime", reason="onnxruntime runs the exported file; it comes with requirements-dev.txt"
    )
    graph.save(tmp_path / "model.keras")
    export(Bundle(tmp_path, {"labels": list(NAMES)}), "onnx", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    expected = predict(graph, images)
    assert [tensor.name for tensor in session.get_inputs()] == ["image"]
    assert [tensor.name for tensor in session.get_outputs()] == ["probabilities"]
    assert json.loads(session.get_modelmeta().custom_metadata_map["labels"]) == list(NAMES)
    for count in (1, 9):
        inputs = {session.get_inputs()[0].name: images[:count, ..., None].astype(np.float32)}
        assert np.allclose(session.run(None, inputs)[0], expected[:count], atol=1e-4)


def test_a_network_that_resizes_its_images_answers_in_onnx_as_it_learned(images, tmp_path: Path) -> None:
    """Keras' Resizing trains by default, and with it the batch normalisation after it, in files that earlier
    versions wrote too."""
    onnxruntime = pytest.importorskip(
        "onnxruntime", reason="onnxruntime runs the exported file; it comes with requirements-dev.txt"
    )
    inputs = keras.Input((48, 48, 1), name="image")
    x = keras.layers.Resizing(12, 12)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Conv2D(8, 3, name="last_conv")(x)
    norm = keras.layers.BatchNormalization()
    x = keras.layers.GlobalAveragePooling2D(name="features")(norm(x))
    network = keras.Model(inputs, keras.layers.Dense(7, activation="softmax", name="predictions")(x))
    norm.set_weights([np.full(8, 3.0), np.zeros(8), np.linspace(-1, 1, 8), np.full(8, 0.1)])
    graph = shipped_graph([network], mirror=True)
    graph.save(tmp_path / "model.keras")
    export(Bundle(tmp_path, {"labels": list(NAMES)}), "onnx", tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    got = session.run(None, {"image": images[..., None].astype(np.float32)})[0]
    np.testing.assert_allclose(got, predict(graph, images), atol=1e-4)
