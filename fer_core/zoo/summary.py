"""Summarise a network of blocks layer by layer, without Keras, for the network builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .block_types import Block
from .layer_plan import plan


@dataclass(frozen=True)
class Summary:
    """Layers of a network with their totals."""

    # Name, type, output, parameters and multiply_adds of each, as in `bundles.layer_table.layer_table`.
    layers: list[dict[str, Any]]
    parameters: int
    multiply_adds: int  # for one image; only convolutions and dense layers count


def summary(
    blocks: Sequence[Block | Mapping[str, Any]],
    input_shape: tuple[int, int, int] = (48, 48, 1),
    num_classes: int = 7,
) -> Summary:
    """Return a row for each layer of a list of blocks, in Keras' order.

    Raises:
        ConfigError: A block is invalid or does not fit its input, or the network is too large.
    """
    layers = plan(blocks, input_shape, num_classes)
    rows: list[dict[str, Any]] = [
        {
            "name": layer.name,
            "type": layer.kind,
            "output": list(layer.output),
            "parameters": layer.parameters,
            "multiply_adds": layer.multiply_adds,
        }
        for layer in layers
    ]
    return Summary(
        rows, sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
    )
