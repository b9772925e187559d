"""The blocks that a network of family "blocks" is made of: their settings and ranges, validated.

The network builder shows each field with the line that stands here. What a block does to shapes is in
`layer_plan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import ConfigError

MAX_BLOCKS = 100

Activation = Literal["none", "relu", "relu6", "leaky_relu", "elu", "gelu", "tanh"]
Stride = Field(1, ge=1, le=4, description="Step of the window: 2 halves height and width.")
Kernel = Field(3, ge=1, le=11, description="Height and width of the window in pixels.")
Bias = Field(True, description="Add a learned number to each output; not needed where a norm follows.")


class BlockError(ConfigError):
    """Error in a list of blocks.

    `number` counts from 1; 0 means no particular block.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class Block(BaseModel):
    """Base class of all blocks.

    `type` is a literal in each of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str


class Conv(Block):
    """Convolution: each filter looks for a pattern in every window of the map."""

    type: Literal["conv"] = "conv"
    filters: int = Field(32, ge=1, le=2048, description="Number of filters (output channels).")
    kernel: int = Kernel
    stride: int = Stride
    activation: Activation = Field(
        "relu", description="Function on each output; none where a norm with an activation follows."
    )
    bias: bool = Bias
    initializer: Literal["glorot_uniform", "he_normal"] = Field(
        "glorot_uniform", description="Initializer of the weights."
    )


class DepthwiseConv(Block):
    """Depthwise convolution: one window for each channel; cheap, usually followed by a conv with kernel 1."""

    type: Literal["depthwise_conv"] = "depthwise_conv"
    kernel: int = Kernel
    stride: int = Stride
    activation: Activation = Field(
        "relu", description="Function on each output; none where a norm with an activation follows."
    )
    bias: bool = Bias


class Pool(Block):
    """Pooling: one value for each window of the map, which makes it smaller."""

    type: Literal["pool"] = "pool"
    kind: Literal["max", "average"] = Field(
        "max", description="Keep the largest value of each window, or the average."
    )
    size: int = Field(
        2, ge=2, le=16, description="Height and width of the window; the map shrinks by this factor."
    )


class Norm(Block):
    """Batch normalisation: each channel gets mean 0 and variance 1 over the batch, then a learned scale and
    offset."""

    type: Literal["norm"] = "norm"
    activation: Activation = Field("relu", description="Function on each normalised value.")


class Dropout(Block):
    """Dropout: in training, a random share of the values is set to 0, against learning by heart."""

    type: Literal["dropout"] = "dropout"
    rate: float = Field(0.25, ge=0, le=0.95, description="The share of values that is set to 0 in training.")


class Residual(Block):
    """Residual block: two 3x3 convolutions with norms, added to the input (through a 1x1 convolution where
    shapes differ)."""

    type: Literal["residual"] = "residual"
    filters: int = Field(
        64, ge=1, le=2048, description="Number of filters (output channels) of both convolutions."
    )
    stride: int = Stride


class GlobalPooling(Block):
    """Global pooling: one value for each channel, which turns the map into a vector."""

    type: Literal["global_pooling"] = "global_pooling"
    kind: Literal["average", "max"] = Field(
        "average", description="Keep the average of each channel, or its largest value."
    )


class Flatten(Block):
    """Flatten: all values of the map in a row, which turns it into a vector."""

    type: Literal["flatten"] = "flatten"


class Dense(Block):
    """Dense layer: each unit sees the whole vector."""

    type: Literal["dense"] = "dense"
    units: int = Field(128, ge=1, le=8192, description="Number of units.")
    activation: Activation = Field(
        "relu", description="Function on each output; none where a norm with an activation follows."
    )
    bias: bool = Bias


class Standardise(Block):
    """Standardise: mean 0 and variance 1 over each image by itself, so that lighting and exposure do not
    matter."""

    type: Literal["standardise"] = "standardise"


class Resize(Block):
    """Resize: enlarge or shrink the map to a square of this size by bilinear interpolation."""

    type: Literal["resize"] = "resize"
    size: int = Field(96, ge=8, le=256, description="Height and width of the map that comes out.")


class Application(Block):
    """Known network: one of keras.applications without its classifier, made for ImageNet; it takes a grey map
    of 32 pixels or more, best after standardise and resize."""

    type: Literal["application"] = "application"
    name: Literal["MobileNetV2", "EfficientNetB0", "ResNet50V2"] = Field(
        "MobileNetV2", description="Name of the network in keras.applications."
    )


BLOCK_TYPES: dict[str, type[Block]] = {
    "conv": Conv,
    "depthwise_conv": DepthwiseConv,
    "pool": Pool,
    "norm": Norm,
    "dropout": Dropout,
    "residual": Residual,
    "global_pooling": GlobalPooling,
    "flatten": Flatten,
    "dense": Dense,
    "standardise": Standardise,
    "resize": Resize,
    "application": Application,
}


def label(block: Block) -> str:
    """Return the type as users read it: "depthwise conv"."""
    return block.type.replace("_", " ")


def parse_blocks(blocks: Sequence[Block | Mapping[str, Any]]) -> tuple[Block, ...]:
    """Parse blocks from dicts with "type" and settings; objects stay as they are.

    Raises:
        ConfigError: A type or setting is unknown, of the wrong type or out of its range; the message gives
            the block's number.
    """
    if isinstance(blocks, str | bytes) or not isinstance(blocks, Sequence):
        raise BlockError(f"Expected a list of blocks, received {blocks!r:.60}.", 0)
    if len(blocks) > MAX_BLOCKS:
        raise BlockError(f"Expected at most {MAX_BLOCKS} blocks, received {len(blocks)}.", 0)
    return tuple(_parse(number, block) for number, block in enumerate(blocks, 1))


def _parse(number: int, block: Any) -> Block:
    if isinstance(block, Block):
        return block
    if not isinstance(block, Mapping):
        raise BlockError(
            f"Block {number}: expected a dict with a type and settings, received {block!r:.60}.", number
        )
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in BLOCK_TYPES:
        raise BlockError(
            f"Block {number}: expected one of the types {', '.join(BLOCK_TYPES)}, received {kind!r:.60}.",
            number,
        )
    try:
        return BLOCK_TYPES[kind].model_validate(dict(block))
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        where = f"Block {number} ({kind.replace('_', ' ')})"
        if first["type"] == "extra_forbidden":
            settings = [name for name in BLOCK_TYPES[kind].model_fields if name != "type"]
            raise BlockError(
                f"{where} has no setting {setting!r}: expected {', '.join(settings) or 'none'}.", number
            ) from None
        expected = first["msg"].removeprefix("Input should be ")
        raise BlockError(
            f"{where}, {setting}: expected {expected}, received {first['input']!r:.60}.", number
        ) from None
