"""Drawing of a network: its blocks in order, each as large as its output. A click selects a block."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from fer_core.zoo.block_types import Block, label
from fer_core.zoo.layer_plan import block_outputs, shape_text
from pages.widgets.component import component, script, stylesheet

_INPUT, _CLASSES = (48, 48, 1), 7
_COLOURS = {  # of the kinds of blocks; the others are grey
    "conv": "blue",
    "depthwise_conv": "blue",
    "residual": "blue",
    "pool": "orange",
    "global_pooling": "orange",
    "flatten": "violet",
    "dense": "violet",
}
_component = component(
    "fer_network_drawing", html='<div class="network"></div>', css=stylesheet(__file__), js=script(__file__)
)


def show(
    blocks: Sequence[Block],
    key: str,
    selected: int | None = None,
    wrong: int = 0,
    on_select: Callable[[int], None] | None = None,
) -> None:
    """Draw the network.

    Args:
        blocks: Its blocks; those after the first that does not fit have no shape.
        key: Key of the drawing.
        selected: Position of the selected block.
        wrong: Number of the block that does not fit, from 1; 0 for none.
        on_select: Called with the position of the block that was clicked; without it, none can be clicked.
    """

    def clicked() -> None:
        position = st.session_state[key].get("clicked")
        if on_select is not None and isinstance(position, int) and 0 <= position < len(blocks):
            on_select(position)

    outputs = block_outputs(blocks)
    shapes = [*outputs, *[None] * (len(blocks) - len(outputs))]
    cells = [_cell("Image", "", _INPUT)]
    for number, (block, shape) in enumerate(zip(blocks, shapes, strict=True), 1):
        cells.append(
            _cell(f"{number} {label(block).capitalize()}", _COLOURS.get(block.type, ""), shape)
            | {"position": number - 1, "wrong": number == wrong}
        )
    cells.append(_cell("Classes", "green", None if wrong else (_CLASSES,)))
    _component(
        key=key,
        data={"cells": cells, "selected": selected, "clickable": on_select is not None},
        on_clicked_change=clicked,
    )


def _cell(title: str, colour: str, shape: tuple[int, ...] | None) -> dict[str, Any]:
    """Return one block of the drawing; `height` and `depth` of its body are in pixels."""
    height, depth = (16.0, 8.0) if shape is None else _size(shape)
    return {
        "title": title,
        "shape": "-" if shape is None else shape_text(shape),
        "colour": colour,
        "flat": shape is None or len(shape) == 1,
        "height": round(height, 1),
        "depth": round(depth, 1),
    }


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return height and depth in pixels: of a map by its side and channels, of a vector by its length.

    Both are compressed: in proportion, a map of 3 x 3 beside one of 48 x 48 would not be seen.
    """
    if len(shape) == 1:
        return 12 + 4 * math.log2(1 + min(shape[0], 8192)), 8
    side = min(shape[0], 96)
    return 10 + 6 * math.sqrt(side), 4 + 2.2 * math.log2(1 + min(shape[2], 2048))
