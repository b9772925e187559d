"""The Python code of a network builds that network, with Keras alone."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from fer_core.bundles.layer_table import layer_table
from fer_core.errors import ConfigError
from fer_core.presets import PRESETS
from fer_core.zoo.blocks import build_blocks
from fer_core.zoo.families import as_blocks
from fer_core.zoo.python_code import python_code
from fer_core.zoo.summary import summary

from .block_lists import LISTS

ALL = LISTS | {name: as_blocks(PRESETS[name].config.model) for name in ("standard", "baseline-batchnorm")}


def built(code: str) -> Any:
    names: dict[str, Any] = {"__name__": "a script that someone imports"}
    exec(code, names)
    return names["build_model"]()


@pytest.mark.parametrize("name", ALL)
def test_the_code_builds_the_same_network(name: str) -> None:
    code = python_code(ALL[name])
    imported = {
        getattr(node, "module", None) or node.names[0].name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"keras"}
    model = built(code)
    assert layer_table(model) == summary(ALL[name]).layers
    for layer, own in zip(model.layers, build_blocks(ALL[name], (48, 48, 1), 7).layers, strict=True):
        settings, expected = layer.get_config(), own.get_config()
        assert {k: v for k, v in settings.items() if k != "name"} == {
            k: v for k, v in expected.items() if k != "name"
        }


def test_other_sizes_and_classes() -> None:
    model = built(python_code(LISTS["plain"], num_classes=3, input_shape=(64, 56, 3)))
    assert model.input_shape == (None, 64, 56, 3) and model.output_shape == (None, 3)


def test_the_code_is_short_and_says_the_shapes() -> None:
    code = python_code(as_blocks(PRESETS["standard"].config.model))
    assert (
        code.count("residual(x, ") == 7
        and "# 6 x 6 x 128" in code
        and code.endswith("\n")
        and max(map(len, code.splitlines())) < 140
    )
    assert "def residual" not in python_code(LISTS["plain"])


def test_a_network_that_does_not_fit_has_no_code() -> None:
    with pytest.raises(ConfigError, match=r"Block 1 \(dense\)"):
        python_code([{"type": "dense"}])
