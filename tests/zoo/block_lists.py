"""Lists of blocks that the tests of networks of blocks share: each type, each order that names a layer in
another way."""

from __future__ import annotations

from typing import Any

LISTS: dict[str, list[dict[str, Any]]] = {
    "nothing is learned but the classifier": [{"type": "flatten"}],
    "no convolution": [
        {"type": "standardise"},
        {"type": "pool", "size": 5, "kind": "average"},
        {"type": "global_pooling", "kind": "max"},
    ],
    "plain": [
        {"type": "conv", "filters": 4, "kernel": 5, "stride": 3},
        {"type": "pool", "size": 3},
        {"type": "dropout", "rate": 0.1},
        {"type": "flatten"},
        {"type": "dense", "units": 6, "activation": "gelu"},
        {"type": "dropout"},
    ],
    "depthwise": [
        {
            "type": "conv",
            "filters": 4,
            "stride": 2,
            "activation": "none",
            "bias": False,
            "initializer": "he_normal",
        },
        {"type": "norm", "activation": "leaky_relu"},
        {"type": "depthwise_conv", "kernel": 4, "stride": 4, "bias": False, "activation": "none"},
        {"type": "norm", "activation": "none"},
        {"type": "conv", "filters": 5, "kernel": 1, "activation": "elu"},
        {"type": "depthwise_conv", "activation": "tanh"},
        {"type": "global_pooling"},
        {"type": "norm", "activation": "none"},
    ],
    "enlarged": [
        {"type": "resize", "size": 12},
        {"type": "conv", "filters": 4, "activation": "relu6"},
        {"type": "norm"},
        {"type": "global_pooling"},
    ],
    "residual": [
        {"type": "residual", "filters": 4},
        {"type": "residual", "filters": 4, "stride": 3},
        {"type": "residual", "filters": 4},
        {"type": "pool"},
        {"type": "standardise"},
        {"type": "residual", "filters": 6},
        {"type": "dropout"},
        {"type": "flatten"},
        {"type": "dense", "units": 5, "bias": False, "activation": "none"},
        {"type": "norm"},
        {"type": "dense", "units": 5},
    ],
}
