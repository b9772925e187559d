"""The summary says what Keras would, without it; what does not fit is told with its block, its input and
what to do."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fer_core import zoo
from fer_core.bundles.layer_table import layer_table, multiply_adds
from fer_core.config import ModelConfig
from fer_core.errors import ConfigError
from fer_core.zoo import layer_plan
from fer_core.zoo.block_types import BLOCK_TYPES, BlockError
from fer_core.zoo.layer_plan import block_outputs
from fer_core.zoo.summary import summary

from .block_lists import LISTS

CONV, POOL, FLATTEN = {"type": "conv"}, {"type": "pool"}, {"type": "flatten"}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("shape", "classes"), [((48, 48, 1), 7), ((33, 46, 3), 2)])
def test_the_summary_is_what_keras_says(name: str, shape: tuple[int, int, int], classes: int) -> None:
    model = zoo.build(ModelConfig(family="blocks", hparams={"blocks": LISTS[name]}), shape, classes)
    measured = summary(LISTS[name], shape, classes)
    assert measured.layers == layer_table(model)
    assert (measured.parameters, measured.multiply_adds) == (model.count_params(), multiply_adds(model))


def test_the_lists_hold_every_type() -> None:
    types = {block["type"] for blocks in LISTS.values() for block in blocks}
    assert types | {"application"} == set(BLOCK_TYPES)  # see test_applications


def test_counted_by_hand() -> None:
    result = summary(
        [
            {"type": "depthwise_conv", "stride": 2},
            {"type": "conv", "filters": 8, "kernel": 1},
            {"type": "global_pooling"},
        ]
    )
    assert result.multiply_adds == 24 * 24 * (9 + 8) + 8 * 7
    assert result.parameters == (9 + 1) + (8 + 8) + (8 * 7 + 7)


def test_the_summary_needs_no_keras() -> None:
    code = (
        "from fer_core.zoo import block_types, families, layer_plan, python_code, "
        "summary\nfrom fer_core.presets import PRESETS\n"
        "b = families.as_blocks(PRESETS['standard'].config.model); summary.summary(b); "
        "python_code.python_code(b)\n"
        "import sys; print([m for m in ('keras', 'tensorflow', 'streamlit') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


@pytest.mark.parametrize(
    ("blocks", "number", "message"),
    [
        (
            [CONV, *[POOL] * 6, FLATTEN],
            7,
            "Block 7 (pool) takes windows of 2 x 2, but receives a map of 1 x 1 x 32: "
            "remove it, or an earlier pool or stride.",
        ),
        (
            [CONV, {"type": "pool", "size": 16}, {"type": "pool", "size": 4}, FLATTEN],
            3,
            "Block 3 (pool) takes windows of 4 x 4, but receives a map of "
            "3 x 3 x 32: remove it, or an earlier pool or stride.",
        ),
        (
            [FLATTEN, {"type": "dense"}, CONV],
            3,
            "Block 3 (conv) takes a map (height x width x channels), but receives a vector of 128 numbers: "
            "move it before block 1 (flatten).",
        ),
        (
            [{"type": "global_pooling"}, {"type": "standardise"}],
            2,
            "Block 2 (standardise) takes a map (height x width x channels), but receives "
            "a vector of 1 number: move it before block 1 (global pooling).",
        ),
        (
            [CONV, FLATTEN, {"type": "global_pooling"}],
            3,
            "Block 3 (global pooling) takes a map (height x width x channels), but receives a vector of "
            "73,728 numbers: remove it or block 2 (flatten).",
        ),
        (
            [CONV, {"type": "dense"}, FLATTEN],
            2,
            "Block 2 (dense) takes a vector, but receives a map of 48 x 48 x 32: "
            "put flatten or global pooling before it.",
        ),
        (
            [CONV, POOL],
            2,
            "The classifier takes a vector, but a map of 24 x 24 x 32 comes out of block 2 (pool): "
            "add flatten or global pooling after it.",
        ),
        (
            [],
            0,
            "The network has no blocks: add flatten or global pooling at least, which the classifier needs.",
        ),
        (
            [CONV, FLATTEN, {"type": "dense", "units": 1000}],
            3,
            "Block 3 (dense) brings the network to 73,729,320 parameters, more than the "
            "50,000,000 that can be trained: take fewer filters or units, or make the map smaller before it.",
        ),
        (
            [{"type": "conv", "filters": 512}, {"type": "conv", "filters": 1024}, {"type": "global_pooling"}],
            2,
            "Block 2 (conv) brings the network "
            "to 10,882,252,800 multiply-adds, more than the 10,000,000,000 that can be trained: "
            "take fewer filters or units, or make the map "
            "smaller before it.",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_block(
    blocks: list[dict[str, Any]], number: int, message: str
) -> None:
    with pytest.raises(BlockError) as caught:
        summary(blocks)
    assert (str(caught.value), caught.value.number) == (message, number)
    assert isinstance(caught.value, ConfigError)


def test_the_classifier_can_be_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_plan, "MAX_PARAMETERS", 48 * 48 * 7 + 6)
    with pytest.raises(ConfigError, match=r"The classifier brings the network to 16,135 parameters"):
        summary([FLATTEN])
    monkeypatch.setattr(layer_plan, "MAX_PARAMETERS", 48 * 48 * 7 + 7)
    assert summary([FLATTEN]).parameters == 48 * 48 * 7 + 7


def test_the_outputs_of_the_blocks_up_to_the_one_that_does_not_fit() -> None:
    assert block_outputs([CONV, POOL, FLATTEN, POOL, CONV]) == [(48, 48, 32), (24, 24, 32), (24 * 24 * 32,)]
    assert block_outputs([CONV, POOL]) == [(48, 48, 32), (24, 24, 32)] and block_outputs([]) == []


def test_the_shorter_side_decides_whether_a_window_fits() -> None:
    assert block_outputs([{"type": "pool", "size": 4}] * 2, (48, 12, 1)) == [(12, 3, 1)]
    assert block_outputs([{"type": "pool", "size": 4}] * 2, (12, 48, 1)) == [(3, 12, 1)]
