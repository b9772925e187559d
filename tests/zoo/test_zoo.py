"""Every preset's network is what its description says, and carries its own preprocessing."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.layer_table import multiply_adds
from fer_core.config import ModelConfig
from fer_core.errors import ConfigError
from fer_core.presets import PRESETS


@functools.cache
def built(name: str) -> keras.Model:
    """The network of a preset, which no test here changes."""
    return zoo.build(PRESETS[name].config.model)


@pytest.fixture(params=list(PRESETS))
def network(request: pytest.FixtureRequest) -> keras.Model:
    return built(request.param)


def test_networks_take_raw_grey_values_and_give_probabilities(network: keras.Model) -> None:
    out = keras.ops.convert_to_numpy(
        network(np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype("float32"))
    )
    assert out.shape == (3, 7) and out.dtype == np.float32 and np.allclose(out.sum(1), 1, atol=1e-5)
    assert network.get_layer("rescale") and len(network.get_layer("last_conv").output.shape) == 4
    assert len(network.get_layer("features").output.shape) == 2 and network.layers[-1].name == "predictions"


def convolutions(model: keras.Model) -> list[int]:
    return [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def kinds(model: keras.Model, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in model.layers)


def dense(model: keras.Model) -> list[int]:
    return [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def rates(model: keras.Model) -> list[float]:
    return [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]


def test_the_baselines_are_as_published() -> None:
    model, train = built("baseline-deep"), PRESETS["baseline-deep"].config.train
    assert (convolutions(model), dense(model), rates(model), kinds(model, keras.layers.MaxPooling2D)) == (
        [32, 64, 128, 256],
        [128, 7],
        [0.3],
        4,
    )
    assert (train.epochs, train.batch_size, train.optimizer, train.loss) == (
        10,
        32,
        "adam",
        "sparse_categorical_crossentropy",
    )

    model, train = built("baseline-dropout"), PRESETS["baseline-dropout"].config.train
    assert (convolutions(model), dense(model), rates(model)) == (
        [32, 64, 128],
        [512, 7],
        [0.25, 0.25, 0.25, 0.5],
    )
    assert (train.epochs, train.batch_size) == (30, 64) and train.early_stopping

    model, config = built("baseline-batchnorm"), PRESETS["baseline-batchnorm"].config
    assert (convolutions(model), dense(model), kinds(model, keras.layers.BatchNormalization)) == (
        [64, 128, 256],
        [512, 7],
        4,
    )
    assert (
        config.train.learning_rate,
        config.augment.rotation,
        config.augment.zoom,
        config.augment.flip,
    ) == (0.001, 20, 0.2, True)

    config = PRESETS["baseline-augmented"].config
    assert (config.train.epochs, config.train.batch_size, config.train.loss) == (
        50,
        64,
        "categorical_crossentropy",
    ) and config.augment.active

    sizes = [built(f"baseline-weighted-{size}").count_params() for size in "sml"]
    assert sizes == sorted(sizes) and len(set(sizes)) == 3
    assert all(PRESETS[f"baseline-weighted-{size}"].config.train.class_weight == "balanced" for size in "sml")


@pytest.mark.parametrize(
    ("name", "parameters", "cost"),
    [("standard", (1e6, 2e6), (40e6, 70e6)), ("tiny", (5e4, 2e5), (10e6, 20e6))],
)
def test_the_shipped_networks_are_modern_and_small(name: str, parameters: tuple, cost: tuple) -> None:
    model, config = built(name), PRESETS[name].config
    assert (
        parameters[0] < model.count_params() < parameters[1]
        and kinds(model, keras.layers.GlobalAveragePooling2D) == 1
    )
    assert (
        config.augment.active
        and config.train.label_smoothing
        and config.train.average
        and config.train.schedule == "cosine"
    )
    assert cost[0] < multiply_adds(model) < cost[1]
    assert config.bundle.mirror and config.bundle.quantisation == "int8"


def test_the_ensemble_and_the_voters_network_are_the_default_one_with_another_use() -> None:
    standard, best, ferplus, tiny = (PRESETS[name].config for name in ("standard", "best", "ferplus", "tiny"))
    assert standard.model == best.model == ferplus.model != tiny.model
    assert best.train == standard.train and ferplus.train == standard.train.model_copy(
        update={"output": "votes"}
    )
    assert standard.train.output == tiny.train.output == "labels" and tiny.train.teacher in {*PRESETS} - {
        "tiny"
    }
    assert all(
        config.train.votes_weight and config.augment == standard.augment for config in (best, ferplus, tiny)
    )


def test_brightness_and_contrast_of_a_photo_do_not_reach_the_default() -> None:
    model = built("standard")
    image = np.random.default_rng(1).integers(60, 190, (1, 48, 48, 1)).astype("float32")
    plain, changed = model(image), model(image * 0.7 + 40)
    assert np.allclose(plain, changed, atol=0.02)


def test_unknown_networks_and_sizes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"expected one of plain, residual"):
        zoo.build(ModelConfig(family="transformer"))
    with pytest.raises(ConfigError, match="depth"):
        zoo.build(ModelConfig(family="plain", hparams={"depth": 3}))
