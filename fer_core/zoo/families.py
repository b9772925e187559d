"""The blocks that make the same network as another family, so that a preset's network opens in the network builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..config import ModelConfig
from ..errors import ConfigError
from .block_types import Block, parse_blocks

Blocks = Sequence[Block | Mapping[str, Any]]


def as_blocks(config: ModelConfig) -> list[dict[str, Any]]:
    """The blocks of the network that `config` describes, each with all its settings.

    Given the same weights, `blocks.build` computes the same from them as the family itself.

    Raises:
        ConfigError: the family, one of its hyperparameters or a block is unknown or invalid.
    """
    makers: dict[str, Callable[..., Blocks]] = {"plain": _plain, "residual": _residual, "blocks": _given}
    if config.family not in makers:
        raise ConfigError(f"Unknown network family {config.family!r}: expected one of {', '.join(makers)}.")
    try:
        blocks = makers[config.family](**config.hparams)
    except TypeError as error:
        raise ConfigError(f"Network family {config.family!r}: {error}.") from None
    return [block.model_dump() for block in parse_blocks(blocks)]


def _given(*, blocks: Blocks) -> Blocks:
    return blocks


def _plain(
    *,
    filters: Sequence[int] = (32, 64, 128),
    batch_norm: bool = False,
    block_dropout: float = 0.0,
    dense_units: int = 128,
    dense_batch_norm: bool = False,
    dense_dropout: float = 0.0,
) -> Blocks:
    """As `plain.build`."""
    blocks: list[dict[str, Any]] = []
    for channels in filters:
        blocks += _normed(batch_norm, {"type": "conv", "filters": channels})
        blocks.append({"type": "pool"})
        blocks += _dropout(block_dropout)
    blocks.append({"type": "flatten"})
    blocks += _normed(dense_batch_norm, {"type": "dense", "units": dense_units})
    return blocks + _dropout(dense_dropout)


def _normed(normed: bool, block: dict[str, Any]) -> list[dict[str, Any]]:
    return [block | {"bias": False, "activation": "none"}, {"type": "norm"}] if normed else [block]


def _dropout(rate: float) -> list[dict[str, Any]]:
    return [{"type": "dropout", "rate": rate}] if rate else []


def _residual(*, width: int = 32, blocks: Sequence[int] = (1, 2, 2), dropout: float = 0.3) -> Blocks:
    """As `residual.build`."""
    stem = {
        "type": "conv",
        "filters": width,
        "stride": 2,
        "bias": False,
        "activation": "none",
        "initializer": "he_normal",
    }
    made: list[dict[str, Any]] = [{"type": "standardise"}, stem, {"type": "norm"}]
    for s, count in enumerate(blocks):
        made += [
            {"type": "residual", "filters": width * 2**s, "stride": 2 if s and not b else 1}
            for b in range(count)
        ]
    return [*made, {"type": "global_pooling"}, {"type": "dropout", "rate": dropout}]
