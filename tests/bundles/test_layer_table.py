"""The table of layers on a card, and what an image costs."""

from __future__ import annotations

import json

import keras
import numpy as np

from fer_core.bundles.graph import shipped_graph
from fer_core.bundles.layer_table import layer_table, multiply_adds

from .conftest import network

CONV = 3 * 3 * 1 * 8 * 48 * 48 + 3 * 3 * 8 * 16 * 24 * 24  # of `network(0)`, its maps halved by each pooling
DENSE = 12 * 12 * 16 * 32 + 32 * 7


def test_multiply_adds_of_a_network_counted_by_hand(networks) -> None:
    assert multiply_adds(networks[0]) == multiply_adds(shipped_graph(networks[:1])) == CONV + DENSE


def test_strides_and_shortcuts_count(networks) -> None:
    """The residual network's stem halves the image, its second stage again; there a 1x1 convolution is the
    shortcut."""
    stem, first = 9 * 4 * 24 * 24, 2 * 9 * 4 * 4 * 24 * 24
    second = (9 * 4 * 8 + 9 * 8 * 8 + 4 * 8) * 12 * 12
    assert multiply_adds(networks[2]) == stem + first + second + 8 * 7


def test_each_view_costs_as_much_as_the_image(networks) -> None:
    once = sum(map(multiply_adds, networks))
    for mirror, zoom, views in ((False, False, 1), (True, False, 2), (False, True, 2), (True, True, 4)):
        assert multiply_adds(shipped_graph(networks, mirror=mirror, zoom=zoom)) == views * once


def test_the_table_adds_up_to_the_network(networks) -> None:
    for count in (1, 3):
        for mirror in (False, True):
            graph = shipped_graph(networks[:count], mirror=mirror, zoom=mirror)
            rows = layer_table(graph)
            assert (
                sum(row["parameters"] for row in rows)
                == graph.count_params()
                == sum(n.count_params() for n in networks[:count])
            )
            assert sum(row["multiply_adds"] for row in rows) * (4 if mirror else 1) == multiply_adds(graph)
            assert json.loads(json.dumps(rows)) == rows


def test_the_table_names_every_layer_in_order_with_its_shape(networks) -> None:
    rows = layer_table(shipped_graph(networks[:1], mirror=True))
    assert [row["name"] for row in rows] == [layer.name for layer in networks[0].layers]
    by_name = {row["name"]: row for row in rows}
    assert by_name["conv_2"] == {
        "name": "conv_2",
        "type": "Conv2D",
        "output": [24, 24, 16],
        "parameters": 3 * 3 * 8 * 16,
        "multiply_adds": 3 * 3 * 8 * 16 * 24 * 24,
    }
    assert (by_name["norm_1"]["parameters"], by_name["norm_1"]["multiply_adds"]) == (4 * 8, 0)
    assert by_name["predictions"]["output"] == [7] and by_name["image"]["output"] == [48, 48, 1]


def test_layers_of_an_ensemble_are_told_apart(networks) -> None:
    names = [row["name"] for row in layer_table(shipped_graph(networks))]
    assert len(set(names)) == len(names) == sum(len(n.layers) for n in networks)
    assert names[0] == "network_1/image" and names[-1] == "network_3/predictions"


def test_a_graph_of_before_has_a_table_too() -> None:
    """Bundles of earlier versions hold the network itself."""
    plain = network(5)
    assert sum(row["parameters"] for row in layer_table(plain)) == plain.count_params()
    assert isinstance(plain, keras.Model) and np.prod(layer_table(plain)[1]["output"]) == 48 * 48
