"""The summary of a network of blocks, layer by layer, without Keras: it is live in the network builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .block_types import Block
from .layer_plan import plan


@dataclass(frozen=True)
class Summary:
    """The layers of a network and what they come to."""

    layers: list[
        dict[str, Any]
    ]  # name, type, output, parameters, multiply_adds: as `release.architecture.layer_table`
    parameters: int
    multiply_adds: int  # for one image; only convolutions and dense layers count


def summary(
    blocks: Sequence[Block | Mapping[str, Any]],
    input_shape: tuple[int, int, int] = (48, 48, 1),
    num_classes: int = 7,
) -> Summary:
    """A row for each layer of the network that `blocks.build` makes, in Keras' order.

    Raises:
        ConfigError: a block is invalid or does not fit what comes in, or the network is too large.
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
