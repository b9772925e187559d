"""Networks of keras.applications: sizes known without Keras, and weights as Keras downloads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.layer_table import multiply_adds
from fer_core.config import ModelConfig, RunConfig
from fer_core.errors import ConfigError, ModelError
from fer_core.presets import PRESETS
from fer_core.runs.resolve import resolve
from fer_core.training.network import load_first_weights
from fer_core.zoo.applications import SIZES
from fer_core.zoo.families import as_blocks
from fer_core.zoo.python_code import python_code
from fer_core.zoo.summary import summary

pytestmark = pytest.mark.long  # large networks are built

SMALL = ("MobileNetV2", "EfficientNetB0")


def config(name: str, size: int) -> ModelConfig:
    return ModelConfig(family="application", hparams={"name": name, "size": size})


@pytest.mark.parametrize(("name", "size"), [("MobileNetV2", 75), ("EfficientNetB0", 48), ("ResNet50V2", 33)])
def test_its_size_is_known_without_keras(name: str, size: int) -> None:
    model = zoo.build(config(name, size))
    result = summary(as_blocks(config(name, size)))
    assert (result.parameters, result.multiply_adds) == (model.count_params(), multiply_adds(model))
    (row,) = (row for row in result.layers if row["type"] == name)
    assert row["output"] == list(model.get_layer("last_conv").output.shape[1:])
    assert model.get_layer("features").output.shape[1:] == (SIZES[name].channels,)


def test_its_code_builds_it() -> None:
    names: dict[str, Any] = {"__name__": "a script that someone imports"}
    exec(python_code(as_blocks(config("MobileNetV2", 40))), names)
    model, own = names["build_model"](), zoo.build(config("MobileNetV2", 40))
    assert [layer.output.shape for layer in model.layers] == [layer.output.shape for layer in own.layers]
    model.set_weights(own.get_weights())
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(faces, verbose=0), own.predict(faces, verbose=0))


def put_download(name: str, path: Path) -> keras.Model:
    """Write weights as Keras downloads them; return their network."""
    keras.utils.set_random_seed(1)
    source = getattr(keras.applications, name)(include_top=False, weights=None)
    for layer in source.layers:  # statistics as of a trained network
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape[0]
            rng = np.random.default_rng(size)
            layer.set_weights([np.ones(size), np.zeros(size), rng.normal(0, 0.1, size), np.ones(size)])
    source.save_weights(path)
    return source


@pytest.mark.parametrize("name", SMALL)
def test_it_takes_what_keras_downloads(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.weights.h5"
    theirs = put_download(name, path)

    def get_file(file: str, *_: object, **__: object) -> str:
        assert file.startswith({"MobileNetV2": "mobilenet_v2", "EfficientNetB0": "efficientnetb0"}[name])
        return str(path)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    model = zoo.build(config(name, 64))
    load_first_weights(model, "imagenet", np.zeros((1, 48, 48), np.uint8))
    face = np.random.default_rng(0).normal(128, 55, (1, 48, 48, 1)).clip(0, 255).astype(np.float32)
    seen = keras.Model(model.input, model.get_layer(f"{name}_colours").output)(face)
    expected = np.asarray(theirs(seen))
    got = keras.Model(model.input, model.get_layer("last_conv").output).predict(face, verbose=0)
    assert expected.std() > 0
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", SMALL)
def test_it_sees_what_it_was_trained_on(name: str) -> None:
    """A face of the usual brightness and contrast comes as keras.applications prepares pictures."""
    face = np.random.default_rng(0).normal(128, 55, (1, 48, 48, 1)).astype(np.float32)
    face = (face - face.mean()) / face.std() * 55 + 128
    model = zoo.build(config(name, 48))
    seen = np.asarray(keras.Model(model.input, model.get_layer(f"{name}_colours").output)(face))
    modules = {
        "MobileNetV2": keras.applications.mobilenet_v2,
        "EfficientNetB0": keras.applications.efficientnet,
    }
    prepared = modules[name].preprocess_input(np.repeat(face, 3, axis=-1).copy())
    np.testing.assert_allclose(seen, prepared, atol=0.02 * np.abs(prepared).max())


def test_without_the_internet_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(*_: object, **__: object) -> str:
        raise Exception("URL fetch failure on https://storage.googleapis.com/x: None -- Name not known")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(
        ModelError, match=r"^The weights of MobileNetV2 from ImageNet cannot be downloaded \(URL "
    ):
        load_first_weights(zoo.build(config("MobileNetV2", 48)), "imagenet", np.zeros((1, 48, 48), np.uint8))


def test_a_preset_starts_from_it_and_others_do_not() -> None:
    def started(preset: str) -> RunConfig:
        return resolve(
            PRESETS[preset]
            .config.override("train", start_from="imagenet")
            .override("data", source="synthetic")
        )

    assert started("imagenet").train.start_from == "imagenet"
    with pytest.raises(ConfigError, match="choose the preset imagenet"):
        started("standard")


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            [{"type": "pool"}, {"type": "application"}],
            r"of at least 32 pixels, but receives a map of 24 x 24 x 1",
        ),
        ([{"type": "conv"}, {"type": "application"}], r"takes a map with one channel"),
        (
            [
                {"type": "application"},
                {"type": "conv", "filters": 1},
                {"type": "resize"},
                {"type": "application"},
            ],
            r"Block 4 \(application\) is the only one of its type",
        ),
        ([{"type": "application", "name": "VGG19"}], r"name: expected 'MobileNetV2'"),
    ],
)
def test_what_does_not_fit_is_said(blocks: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        summary(blocks)
