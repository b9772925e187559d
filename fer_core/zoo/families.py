"""Families of networks: each is a function from hyperparameters to a list of blocks, and an entry of
FAMILIES."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..config import ModelConfig
from ..errors import ConfigError
from .block_types import Block, parse_blocks

Blocks = Sequence[Block | Mapping[str, Any]]


def as_blocks(config: ModelConfig) -> list[dict[str, Any]]:
    """Return the blocks of the network that `config` describes, each with all its settings.

    Raises:
        ConfigError: The family, one of its hyperparameters or a block is unknown or invalid.
    """
    if config.family not in FAMILIES:
        raise ConfigError(f"Unknown network family {config.family!r}: expected one of {', '.join(FAMILIES)}.")
    try:
        blocks = FAMILIES[config.family](**config.hparams)
    except TypeError as error:
        raise ConfigError(f"Network family {config.family!r}: {error}.") from None
    return [block.model_dump() for block in parse_blocks(blocks)]


def plain(
    *,
    filters: Sequence[int] = (32, 64, 128),
    batch_norm: bool = False,
    block_dropout: float = 0.0,
    dense_units: int = 128,
    dense_batch_norm: bool = False,
    dense_dropout: float = 0.0,
) -> Blocks:
    """Return a plain convolutional network: 3x3 convolutions with 2x2 pooling, then a dense layer, as in most
    READMEs.

    Args:
        filters: Channels of each convolution.
        batch_norm: Normalise after each convolution.
        block_dropout: Dropout rate after each pooling.
        dense_units: Units of the hidden layer.
        dense_batch_norm: Normalise after the hidden layer.
        dense_dropout: Dropout rate before the classifier.
    """
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


def residual(*, width: int = 32, blocks: Sequence[int] = (1, 2, 2), dropout: float = 0.3) -> Blocks:
    """Return a small residual network in the manner of ResNet-v1 (He et al. 2015, arXiv:1512.03385).

    It differs from the CIFAR networks of that paper where multiply-adds are expensive on a CPU: the stem
    halves the image at once, and the widths grow as the maps shrink. Each image is standardised, so that
    lighting and exposure of a photo do not reach the network.

    Args:
        width: Channels of the stem and of the first stage; each further stage has twice as many.
        blocks: Residual blocks in each stage; each stage after the first halves height and width.
        dropout: Rate before the classifier.
    """
    stem = {
        "type": "conv",
        "filters": width,
        "stride": 2,
        "bias": False,
        "activation": "none",
        "initializer": "he_normal",
    }
    stages: list[dict[str, Any]] = [{"type": "standardise"}, stem, {"type": "norm"}]
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            stages.append({"type": "residual", "filters": width * 2**stage, "stride": stride})
    return [*stages, {"type": "global_pooling"}, {"type": "dropout", "rate": dropout}]


_MOBILENET_WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_MOBILENET_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


def mobilenet(*, size: int = 96, dropout: float = 0.3) -> Blocks:
    """Return MobileNet v1 (Howard et al. 2017, arXiv:1704.04861) on enlarged, standardised images.

    `face_weights` can set its weights to those of a network that was trained on faces.

    Args:
        size: Height and width in pixels that images are enlarged to.
        dropout: Rate before the classifier.
    """
    linear: dict[str, Any] = {"bias": False, "activation": "none"}
    norm = {"type": "norm", "activation": "relu6"}
    blocks: list[dict[str, Any]] = [{"type": "standardise"}, {"type": "resize", "size": size}]
    blocks += [{"type": "conv", "filters": 32, "stride": 2, **linear}, norm]
    for width, stride in zip(_MOBILENET_WIDTHS, _MOBILENET_STRIDES, strict=True):
        blocks += [{"type": "depthwise_conv", "stride": stride, **linear}, norm]
        blocks += [{"type": "conv", "filters": width, "kernel": 1, **linear}, norm]
    return [*blocks, {"type": "global_pooling"}, *_dropout(dropout)]


def application(*, name: str = "MobileNetV2", size: int = 96, dropout: float = 0.3) -> Blocks:
    """Return a network of keras.applications on enlarged, standardised images.

    `applications` can set its weights to those that Keras downloads, learned on ImageNet.

    Args:
        name: MobileNetV2, EfficientNetB0 or ResNet50V2.
        size: Height and width in pixels that images are enlarged to.
        dropout: Rate before the classifier.
    """
    start: list[dict[str, Any]] = [{"type": "standardise"}, {"type": "resize", "size": size}]
    return [*start, {"type": "application", "name": name}, {"type": "global_pooling"}, *_dropout(dropout)]


def custom(*, blocks: Blocks) -> Blocks:
    """Return any list of blocks, as the network builder makes it.

    Args:
        blocks: Dicts, each with a "type" of `block_types.BLOCK_TYPES` and its settings.
    """
    return blocks


FAMILIES: dict[str, Callable[..., Blocks]] = {
    "plain": plain,
    "residual": residual,
    "mobilenet": mobilenet,
    "application": application,
    "blocks": custom,
}
