"""The families of blocks are the networks that they are named after."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.layer_table import layer_table, multiply_adds
from fer_core.config import ModelConfig
from fer_core.errors import ConfigError
from fer_core.presets import PRESETS
from fer_core.zoo import families
from fer_core.zoo.families import as_blocks
from fer_core.zoo.summary import summary

from . import reference_networks
from .block_lists import LISTS

MODELS = {name: preset.config.model for name, preset in PRESETS.items()} | {
    "plain by default": ModelConfig(family="plain"),
    "residual by default": ModelConfig(),
    "residual without dropout": ModelConfig(hparams={"width": 4, "blocks": [1, 1], "dropout": 0}),
}
# Of each network one, where its family is also written out as layers.
DISTINCT = {
    name: model
    for i, (name, model) in enumerate(MODELS.items())
    if model not in list(MODELS.values())[:i] and hasattr(reference_networks, model.family)
}


def reference(config: ModelConfig) -> keras.Model:
    """The network of `config` as Keras layers."""
    return getattr(reference_networks, config.family)((48, 48, 1), 7, **config.hparams)


@pytest.mark.parametrize("name", DISTINCT)
def test_the_blocks_are_the_same_network(name: str) -> None:
    config = DISTINCT[name]
    blocks = as_blocks(config)
    first, second = reference(config), zoo.build(config)
    result = summary(blocks)
    assert (result.parameters, result.multiply_adds) == (first.count_params(), multiply_adds(first))
    for row, own in zip(
        layer_table(second), layer_table(first), strict=True
    ):  # the reference writes its ReLU as another class
        assert (row["output"], row["parameters"], row["multiply_adds"]) == (
            own["output"],
            own["parameters"],
            own["multiply_adds"],
        )
        assert row["type"] == own["type"] or {row["type"], own["type"]} == {"ReLU", "Activation"}
    for role in ("last_conv", "features"):
        assert [layer.name for layer in first.layers].index(role) == [
            layer.name for layer in second.layers
        ].index(role)

    rng = np.random.default_rng(0)
    first.set_weights(
        [
            weight * rng.uniform(0.5, 1.5, weight.shape) + rng.uniform(0, 0.02, weight.shape)
            for weight in first.get_weights()
        ]
    )
    second.set_weights(first.get_weights())
    images = rng.integers(0, 256, (4, 48, 48, 1)).astype("float32")
    for role in (
        "last_conv",
        "features",
    ):  # not the predictions: with such weights the softmax is all 0 and 1
        own, other = (
            np.asarray(keras.Model(model.input, model.get_layer(role).output)(images))
            for model in (first, second)
        )
        assert np.ptp(own, axis=0).max() > 1e-3, "the images must not all give the same"
        assert np.allclose(own, other, rtol=1e-4, atol=1e-5 * np.abs(own).max())


@pytest.mark.parametrize("family", ["plain", "residual"])
def test_first_weights_are_drawn_in_the_same_way(family: str) -> None:
    config = ModelConfig(family=family)
    networks = reference(config), zoo.build(config)
    drawn = [
        [type(x.kernel_initializer).__name__ for x in model.layers if isinstance(x, keras.layers.Conv2D)]
        for model in networks
    ]
    assert drawn[0] == drawn[1]


def test_the_families_have_the_same_settings_and_defaults() -> None:
    for build, own in (
        (reference_networks.plain, families.plain),
        (reference_networks.residual, families.residual),
    ):
        settings = {
            name: p.default
            for name, p in inspect.signature(build).parameters.items()
            if p.kind is p.KEYWORD_ONLY
        }
        assert settings == {name: p.default for name, p in inspect.signature(own).parameters.items()}


def test_blocks_stay_as_they_are_with_all_settings_written_out() -> None:
    config = ModelConfig(family="blocks", hparams={"blocks": LISTS["plain"]})
    assert as_blocks(config)[1] == {"type": "pool", "kind": "max", "size": 3}
    assert as_blocks(ModelConfig(family="blocks", hparams={"blocks": as_blocks(config)})) == as_blocks(config)


def test_what_no_network_is_made_of_is_named() -> None:
    with pytest.raises(
        ConfigError,
        match=rf"^Unknown network family 'transformer': expected one of {', '.join(families.FAMILIES)}\.$",
    ):
        as_blocks(ModelConfig(family="transformer"))
    with pytest.raises(ConfigError, match=r"^Network family 'plain': .*depth"):
        as_blocks(ModelConfig(family="plain", hparams={"depth": 3}))
    with pytest.raises(
        ConfigError,
        match=r"^Block 1 \(conv\), filters: expected less than or equal to 2048, received 9999\.$",
    ):
        as_blocks(ModelConfig(family="plain", hparams={"filters": [9999]}))
