"""The layers of a network, as a table that a card holds, so that it can be shown without Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from .graph import networks_of, views_of


def layer_table(graph: keras.Model) -> list[dict[str, Any]]:
    """Return a row for each layer of the networks in `graph`, in order.

    A row has name, type, output shape without the batch, parameters, and multiply-adds for one image. In an
    ensemble, the names of layers begin with that of their network.
    """
    networks = networks_of(graph)
    rows = []
    for network in networks or [graph]:
        for layer in network.layers:
            shape = layer.output.shape if not isinstance(layer.output, list) else layer.output[0].shape
            rows.append(
                {
                    "name": layer.name if len(networks) < 2 else f"{network.name}/{layer.name}",
                    "type": type(layer).__name__,
                    "output": [int(size) for size in shape[1:]],
                    "parameters": int(layer.count_params()),
                    "multiply_adds": _multiply_adds(layer),
                }
            )
    return rows


def multiply_adds(model: keras.Model) -> int:
    """Return the multiply-adds of one image through a network, or through all views of a shipped graph.

    Only convolutions and dense layers count.
    """
    return views_of(model) * sum(_multiply_adds(layer) for layer in _leaves(model))


def _leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _multiply_adds(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        return int(np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return int(np.prod(layer.kernel.shape))
    return 0
