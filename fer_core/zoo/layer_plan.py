"""Plan of the Keras layers of a list of blocks, made without Keras: shapes, parameters, multiply-adds.

The summary, the network and its Python code are all read off this one plan, so that they cannot differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..wording import plural
from . import applications
from . import block_types as types
from .block_types import Block, BlockError, label, parse_blocks

MAX_PARAMETERS = 50_000_000
MAX_MULTIPLY_ADDS = 10_000_000_000
# Layers whose output can be the "last feature map": pooling and dropout after them say nothing new about
# where something is.
_FEATURE_MAPS = ("Conv2D", "DepthwiseConv2D", "BatchNormalization", "Activation", "ReLU")


@dataclass(frozen=True)
class Layer:
    """One layer: `keras.layers.<kind>(**settings, name=name)` on the outputs of `inputs`."""

    kind: str
    name: str
    settings: dict[str, Any]
    inputs: tuple[int, ...]  # positions in the plan
    output: tuple[int, ...]  # (H, W, C) or (units,), without the batch
    parameters: int
    multiply_adds: int  # for one image
    block: int  # number of the block it belongs to, from 1; 0 for input, rescaling and classifier


def plan(
    blocks: Sequence[Block | Mapping[str, Any]],
    input_shape: tuple[int, int, int] = (48, 48, 1),
    num_classes: int = 7,
) -> tuple[Layer, ...]:
    """Return all layers in the order of `keras.Model.layers`, from the input to the softmax classifier
    "predictions".

    Raises:
        ConfigError: A block is invalid, does not fit its input, or the network is too large; the message says
            which and what to do.
    """
    parsed = parse_blocks(blocks)
    draft = _Draft(parsed, input_shape)
    for _ in parsed:
        draft.add_next_block()
    draft.add_classifier(num_classes)
    return tuple(draft.layers)


def block_outputs(
    blocks: Sequence[Block | Mapping[str, Any]], input_shape: tuple[int, int, int] = (48, 48, 1)
) -> list[tuple[int, ...]]:
    """Return the output shape of each block, up to the first that does not fit."""
    draft = _Draft(parse_blocks(blocks), input_shape)
    outputs = []
    try:
        for _ in draft.blocks:
            draft.add_next_block()
            outputs.append(draft.output)
    except BlockError:
        pass
    return outputs


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as users read it: "24 x 24 x 64"."""
    return " x ".join(f"{size:,}" for size in shape)


class _Draft:
    """A plan that grows block by block."""

    def __init__(self, blocks: tuple[Block, ...], input_shape: tuple[int, int, int]) -> None:
        self.blocks = blocks
        self.number = 0  # of the block that is being added
        self.counts: Counter[str] = Counter()
        self.vector_since = 0  # number of the block that turned the map into a vector
        self.layers: list[Layer] = []
        self._add("InputLayer", "image", input_shape, inputs=(), shape=input_shape)
        self._add("Rescaling", "rescale", input_shape, scale=1 / 255)

    @property
    def output(self) -> tuple[int, ...]:
        return self.layers[-1].output

    def add_next_block(self) -> None:
        self.number += 1
        block = self.blocks[self.number - 1]
        self.counts[block.type] += 1
        name = f"{block.type}_{self.counts[block.type]}"
        match block:
            case types.Conv():
                self._need_map(block)
                self._conv(name, block.filters, block.kernel, block.stride, block.bias, block.initializer)
                self._activation(name, block.activation)
            case types.DepthwiseConv():
                height, width, channels = self._need_map(block)
                shape = (-(-height // block.stride), -(-width // block.stride), channels)
                weights = block.kernel**2 * channels
                self._add(
                    "DepthwiseConv2D",
                    name,
                    shape,
                    parameters=weights + channels * block.bias,
                    multiply_adds=shape[0] * shape[1] * weights,
                    kernel_size=block.kernel,
                    **_strides(block.stride),
                    padding="same",
                    **_bias(block.bias),
                )
                self._activation(name, block.activation)
            case types.Pool():
                height, width, channels = self._need_map(block)
                if min(height, width) < block.size:
                    raise self._misfit(
                        f"takes windows of {block.size} x {block.size}",
                        "remove it, or an earlier pool or stride",
                    )
                kind = "MaxPooling2D" if block.kind == "max" else "AveragePooling2D"
                self._add(
                    kind, name, (height // block.size, width // block.size, channels), pool_size=block.size
                )
            case types.Norm():
                self._norm(name)
                self._activation(name, block.activation)
            case types.Dropout():
                self._add("Dropout", name, self.output, rate=block.rate)
            case types.Residual():
                self._need_map(block)
                self._residual(name, block.filters, block.stride)
            case types.GlobalPooling():
                channels = self._need_map(block)[2]
                self._end_map()
                self._add(
                    "GlobalAveragePooling2D" if block.kind == "average" else "GlobalMaxPooling2D",
                    name,
                    (channels,),
                )
            case types.Flatten():
                height, width, channels = self._need_map(block)
                self._end_map()
                self._add("Flatten", name, (height * width * channels,))
            case types.Dense():
                if len(self.output) != 1:
                    raise self._misfit("takes a vector", "put flatten or global pooling before it")
                self._dense(name, block.units, block.bias)
                self._activation(name, block.activation)
            case types.Standardise():
                self._need_map(block)
                # Layer normalisation over the whole map without learned scale: mean 0 and variance 1 for each
                # image.
                self._add("LayerNormalization", name, self.output, axis=(1, 2, 3), center=False, scale=False)
            case types.Resize():
                shape = (block.size, block.size, self._need_map(block)[2])
                self._add("Resizing", name, shape, height=block.size, width=block.size)
            case types.Application():
                self._application(name, block)
            case _:
                raise TypeError(f"no layers for {block!r}")
        self._check_size(f"Block {self.number} ({label(block)})")

    def add_classifier(self, num_classes: int) -> None:
        if not self.blocks:
            raise BlockError(
                "The network has no blocks: add flatten or global pooling at least, "
                "which the classifier needs.",
                0,
            )
        if len(self.output) != 1:
            raise BlockError(
                f"The classifier takes a vector, but a map of {shape_text(self.output)} comes out of block "
                f"{self.number} ({label(self.blocks[-1])}): add flatten or global pooling after it.",
                self.number,
            )
        # Not a norm, which the LiteRT converter merges with the classifier, so that its output would be lost.
        vectors = [
            i
            for i, layer in enumerate(self.layers)
            if len(layer.output) == 1 and layer.kind not in ("Dropout", "BatchNormalization")
        ]
        self._rename(vectors[-1], "features")
        last = self.number
        self.number = 0
        # Softmax stays in float32 under mixed precision, where small probabilities would vanish.
        self._dense("predictions", num_classes, True, activation="softmax", dtype="float32")
        self.number = last
        self._check_size("The classifier")

    def _conv(
        self,
        name: str,
        filters: int,
        kernel: int,
        stride: int,
        bias: bool,
        initializer: str,
        source: int | None = None,
    ) -> int:
        source = len(self.layers) - 1 if source is None else source
        height, width, channels = self.layers[source].output
        shape = (-(-height // stride), -(-width // stride), filters)  # "same" padding
        weights = kernel**2 * channels * filters
        first_weights = {} if initializer == "glorot_uniform" else {"kernel_initializer": initializer}
        return self._add(
            "Conv2D",
            name,
            shape,
            inputs=(source,),
            parameters=weights + filters * bias,
            multiply_adds=shape[0] * shape[1] * weights,
            filters=filters,
            kernel_size=kernel,
            **_strides(stride),
            padding="same",
            **_bias(bias),
            **first_weights,
        )

    def _activation(self, name: str, activation: str) -> None:
        """Add a layer of its own: a dense layer with one inside leaves two tensors in the LiteRT file."""
        if activation != "none":
            self._add("Activation", f"{name}_{activation}", self.output, activation=activation)

    def _norm(self, name: str, source: int | None = None) -> int:
        source = len(self.layers) - 1 if source is None else source
        shape = self.layers[source].output
        return self._add("BatchNormalization", name, shape, inputs=(source,), parameters=4 * shape[-1])

    def _dense(self, name: str, units: int, bias: bool, **settings: Any) -> None:
        weights = self.output[0] * units
        self._add(
            "Dense",
            name,
            (units,),
            parameters=weights + units * bias,
            multiply_adds=weights,
            units=units,
            **_bias(bias),
            **settings,
        )

    def _residual(self, name: str, filters: int, stride: int) -> None:
        """Add two 3x3 convolutions around a shortcut, which is a 1x1 convolution where the shape changes.

        Keras lists layers by their distance from the output, which mixes the two branches.
        """
        start = shortcut = len(self.layers) - 1
        changes = stride != 1 or self.output[-1] != filters
        self._conv(f"{name}_a_conv", filters, 3, stride, False, "he_normal")
        self._norm(f"{name}_a_norm")
        y = self._add("ReLU", f"{name}_a_relu", self.output)
        if changes:
            shortcut = self._conv(
                f"{name}_shortcut_conv", filters, 1, stride, False, "he_normal", source=start
            )
        y = self._conv(f"{name}_b_conv", filters, 3, 1, False, "he_normal", source=y)
        if changes:
            shortcut = self._norm(f"{name}_shortcut_norm", source=shortcut)
        y = self._norm(f"{name}_b_norm", source=y)
        self._add("Add", f"{name}_add", self.output, inputs=(shortcut, y))
        self._add("ReLU", f"{name}_relu", self.output)

    def _application(self, name: str, block: types.Application) -> None:
        """Add a network of keras.applications as one layer, though Keras lists each of its own."""
        height, width, channels = self._need_map(block)
        if channels != 1 or min(height, width) < applications.SMALLEST:
            raise self._misfit(
                f"takes a map with one channel of at least {applications.SMALLEST} pixels",
                "put it first, after standardise and resize",
            )
        if self.counts["application"] > 1:
            raise self._misfit("is the only one of its type", "remove it, or the other one")
        size = applications.SIZES[block.name]
        self._add("Rescaling", f"{name}_range", self.output, scale=size.scale, offset=size.offset)
        grey = len(self.layers) - 1
        colours = block.name + applications.COLOURS
        self._add("Concatenate", colours, (height, width, 3), inputs=(grey, grey, grey))
        self._add(
            block.name,
            name,
            (-(-height // 32), -(-width // 32), size.channels),
            parameters=size.parameters,
            multiply_adds=size.multiply_adds(height, width),
            include_top=False,
            weights=None,
        )
        self._add("Activation", f"{name}_map", self.output, activation="linear")

    def _add(
        self,
        kind: str,
        name: str,
        output: tuple[int, ...],
        *,
        inputs: tuple[int, ...] | None = None,
        parameters: int = 0,
        multiply_adds: int = 0,
        **settings: Any,
    ) -> int:
        """Append a layer, by default on the last one; its position."""
        inputs = (len(self.layers) - 1,) if inputs is None else inputs
        self.layers.append(
            Layer(kind, name, settings, inputs, output, parameters, multiply_adds, self.number)
        )
        return len(self.layers) - 1

    def _end_map(self) -> None:
        """Name the last feature map, before it becomes a vector."""
        self.vector_since = self.number
        maps = [i for i, layer in enumerate(self.layers) if layer.kind in _FEATURE_MAPS]
        self._rename(
            maps[-1] if maps else self._add("Activation", "last_conv", self.output, activation="linear"),
            "last_conv",
        )

    def _rename(self, position: int, name: str) -> None:
        self.layers[position] = replace(self.layers[position], name=name)

    def _need_map(self, block: Block) -> tuple[int, int, int]:
        if len(self.output) == 3:
            return self.output  # type: ignore[return-value]
        before = self.vector_since
        if isinstance(block, types.Flatten | types.GlobalPooling):
            remedy = f"remove it or block {before} ({label(self.blocks[before - 1])})"
        else:
            remedy = f"move it before block {before} ({label(self.blocks[before - 1])})"
        raise self._misfit("takes a map (height x width x channels)", remedy)

    def _misfit(self, takes: str, remedy: str) -> BlockError:
        received = (
            f"a map of {shape_text(self.output)}"
            if len(self.output) == 3
            else f"a vector of {plural(self.output[0], 'number')}"
        )
        block = self.blocks[self.number - 1]
        return BlockError(
            f"Block {self.number} ({label(block)}) {takes}, but receives {received}: {remedy}.", self.number
        )

    def _check_size(self, what: str) -> None:
        parameters, work = (
            sum(layer.parameters for layer in self.layers),
            sum(layer.multiply_adds for layer in self.layers),
        )
        for count, most, unit in (
            (parameters, MAX_PARAMETERS, "parameters"),
            (work, MAX_MULTIPLY_ADDS, "multiply-adds"),
        ):
            if count > most:
                raise BlockError(
                    f"{what} brings the network to {count:,} {unit}, more than the {most:,} that can be "
                    "trained: take fewer filters or units, or make the map smaller before it.",
                    self.number,
                )


# Settings that are Keras' defaults are left out, so that the Python code stays short.
def _strides(stride: int) -> dict[str, Any]:
    return {} if stride == 1 else {"strides": stride}


def _bias(bias: bool) -> dict[str, Any]:
    return {} if bias else {"use_bias": False}
