"""Networks of blocks: what explanation and export rely on holds for each list, and a wrong list is told in
one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_core import zoo
from fer_core.bundles.graph import shipped_graph
from fer_core.bundles.litert import export_litert
from fer_core.config import ModelConfig
from fer_core.errors import ConfigError
from fer_core.zoo.block_types import BLOCK_TYPES, MAX_BLOCKS, parse_blocks

from .block_lists import LISTS


def built(blocks: list[dict[str, Any]]) -> keras.Model:
    return zoo.build(ModelConfig(family="blocks", hparams={"blocks": blocks}))


@pytest.fixture(scope="module", params=list(LISTS))
def network(request: pytest.FixtureRequest) -> keras.Model:
    return built(LISTS[request.param])


def test_every_list_gives_probabilities_from_raw_grey_values(network: keras.Model) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1)).astype("float32")
    out = keras.ops.convert_to_numpy(network(images))
    assert out.shape == (3, 7) and out.dtype == np.float32 and np.allclose(out.sum(1), 1, atol=1e-5)
    assert (
        network.get_layer("rescale").output.shape == (None, 48, 48, 1)
        and network.layers[-1].name == "predictions"
    )


def test_every_list_has_the_layers_that_explanation_relies_on(network: keras.Model) -> None:
    names = [layer.name for layer in network.layers]
    assert (
        len(network.get_layer("last_conv").output.shape) == 4
        and len(network.get_layer("features").output.shape) == 2
    )
    between = network.layers[names.index("last_conv") + 1 : names.index("features")]
    assert not any(isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D) for layer in between)
    after = network.layers[names.index("features") + 1 : -1]
    assert all(isinstance(layer, keras.layers.Dropout | keras.layers.BatchNormalization) for layer in after)


def test_the_last_feature_map_is_taken_before_it_is_pooled_and_after_its_activation() -> None:
    model = built(
        [
            {"type": "conv", "filters": 3},
            {"type": "norm"},
            {"type": "pool"},
            {"type": "dropout"},
            {"type": "flatten"},
        ]
    )
    assert model.get_layer("last_conv").output.shape == (None, 48, 48, 3)
    assert isinstance(model.get_layer("last_conv"), keras.layers.Activation)
    assert model.get_layer("features").output.shape == (None, 24 * 24 * 3)


def test_the_features_are_left_in_the_inference_file(tmp_path: Path) -> None:
    """The converter merges a norm without activation into the classifier, so `features` must not be that
    norm."""
    from ai_edge_litert.interpreter import Interpreter

    network = built([*LISTS["plain"][:-1], {"type": "norm", "activation": "none"}])
    export_litert(shipped_graph([network]), tmp_path / "model.tflite")
    tensors = Interpreter(str(tmp_path / "model.tflite")).get_tensor_details()
    found = [
        t["shape_signature"]
        for t in tensors
        if re.search(r"(^|/)features", t["name"].replace(";", "/")) and t["shape_signature"][0] == -1
    ]
    assert [shape.tolist() for shape in found] == [[-1, 6]]


def test_probabilities_stay_float32_under_mixed_precision() -> None:
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = built(LISTS["depthwise"])
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert model.output.dtype == "float32" and model.get_layer("features").output.dtype == "bfloat16"


def test_any_size_of_image_and_number_of_classes() -> None:
    config = ModelConfig(family="blocks", hparams={"blocks": LISTS["residual"]})
    assert zoo.build(config, (24, 32, 3), 2)(np.zeros((1, 24, 32, 3))).shape == (1, 2)


def test_it_trains_only_when_it_is_told_to() -> None:
    """Keras' Resizing trains by default, and with it the normalisation after it."""
    model = zoo.build(ModelConfig(family="blocks", hparams={"blocks": LISTS["enlarged"]}))
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 1)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(model(images, training=False)))
    assert np.abs(np.asarray(model(images, training=True)) - np.asarray(model(images))).max() > 1e-3


def test_blocks_survive_json() -> None:
    for blocks in LISTS.values():
        parsed = parse_blocks(blocks)
        assert (
            parse_blocks(json.loads(json.dumps([block.model_dump() for block in parsed])))
            == parsed
            == parse_blocks(parsed)
        )


def test_every_setting_has_a_range_or_choices_and_one_line() -> None:
    for kind in BLOCK_TYPES.values():
        for name, schema in kind.model_json_schema()["properties"].items():
            if name != "type":
                bounded = (
                    {"minimum", "maximum"} <= schema.keys() or "enum" in schema or schema["type"] == "boolean"
                )
                assert bounded and 10 < len(schema["description"]) < 100, (kind, name)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            [{"type": "flatten"}, {"type": "lstm"}],
            r"Block 2: expected one of the types conv, .*, received 'lstm'\.",
        ),
        ([{"filters": 3}], r"Block 1: expected one of the types conv, .*, received None\."),
        ([{"type": ["conv"]}], r"Block 1: expected one of the types conv"),
        ([{"type": "conv"}, "conv"], r"Block 2: expected a dict with a type and settings, received 'conv'\."),
        (
            [{"type": "conv", "filters": 0}],
            r"Block 1 \(conv\), filters: expected greater than or equal to 1, received 0\.",
        ),
        (
            [{"type": "depthwise_conv", "stride": "big"}],
            r"Block 1 \(depthwise conv\), stride: expected a valid integer.*, received 'big'\.",
        ),
        (
            [{"type": "dropout", "rate": float("nan")}],
            r"Block 1 \(dropout\), rate: expected .*, received nan\.",
        ),
        (
            [{"type": "pool", "kind": "min"}],
            r"Block 1 \(pool\), kind: expected 'max' or 'average', received 'min'\.",
        ),
        (
            [{"type": "residual", "units": 3}],
            r"Block 1 \(residual\) has no setting 'units': expected filters, stride\.",
        ),
        ([{"type": "flatten", "units": 3}], r"Block 1 \(flatten\) has no setting 'units': expected none\."),
        ({"type": "conv"}, r"Expected a list of blocks, received {'type': 'conv'}\."),
        ("conv", r"Expected a list of blocks, received 'conv'\."),
        ([{"type": "dropout"}] * (MAX_BLOCKS + 1), r"Expected at most 100 blocks, received 101\."),
        ([{"type": "conv", "filters": "9" * 5000}], r"Block 1 \(conv\), filters: .{,150}$"),
    ],
)
def test_an_invalid_list_is_told_in_one_sentence(blocks: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}") as caught:
        parse_blocks(blocks)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=f"^{message}"):
        zoo.build(ModelConfig(family="blocks", hparams={"blocks": blocks}))


def test_a_network_that_does_not_fit_is_not_built() -> None:
    with pytest.raises(ConfigError, match=r"Block 2 \(dense\) takes a vector"):
        built([{"type": "conv"}, {"type": "dense"}])
    with pytest.raises(ConfigError, match="blocks"):
        zoo.build(ModelConfig(family="blocks"))
