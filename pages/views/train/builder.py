"""Network builder: add, remove, order and size the blocks of a network, with a summary and Python code.

The blocks are drawn with their outputs; the selected one has its settings below the drawing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import streamlit as st
from pydantic.fields import FieldInfo

from fer_core.config import ModelConfig
from fer_core.errors import ConfigError
from fer_core.zoo.block_types import BLOCK_TYPES, MAX_BLOCKS, Block, BlockError, label, parse_blocks
from fer_core.zoo.families import as_blocks
from fer_core.zoo.layer_plan import block_outputs, shape_text
from fer_core.zoo.python_code import python_code
from fer_core.zoo.summary import summary
from pages.session.foreign_text import plain
from pages.widgets import layers_table

from . import network_drawing

_SELDOM = ("bias", "initializer")  # settings behind a button, so that a row stays short
_WHERE_IT_FITS, _AT_THE_END = -1, -2  # places besides the positions
_NUMBER_WIDTH, _CHOICE_WIDTH = 92, 132  # pixels: three numbers fit side by side on a phone
_PARAMETER = "builder_"
_ADDRESS_LENGTH = 6000  # characters of a network in the address; 40 blocks take fewer
_NEW_HELP = "\n".join(f"- {(kind.__doc__ or '').strip()}" for kind in BLOCK_TYPES.values())


@dataclass
class _Draft:
    """The blocks being edited. Each has an id, so that its widgets move with it."""

    origin: ModelConfig
    rows: list[tuple[int, Block]] = field(default_factory=list)
    next_id: int = 0
    selected: int = 0  # position

    def blocks(self) -> list[Block]:
        return [block for _, block in self.rows]

    def select(self, position: int) -> None:
        self.selected = position

    def insert(self, position: int, block: Block) -> None:
        self.rows.insert(position, (self.next_id, block))
        self.next_id += 1

    def move(self, position: int, to: int) -> None:
        """Swap a block with another one, and select it."""
        self.rows[position], self.rows[to] = self.rows[to], self.rows[position]
        self.selected = to

    def remove(self, position: int) -> None:
        """Remove a block, and select the one that takes its place."""
        del self.rows[position]
        self.selected = max(0, min(position, len(self.rows) - 1))

    def reset(self) -> None:
        self.fill(parse_blocks(as_blocks(self.origin)))

    def fill(self, blocks: Sequence[Block] | None) -> None:
        """Replace the blocks; None leaves them as they are."""
        if blocks is None:
            return
        self.rows.clear()
        for block in blocks:
            self.insert(len(self.rows), block)
        self.selected = 0


def show(model: ModelConfig, key: str) -> ModelConfig | None:
    """Draw the builder, starting from the blocks of `model`, or from those in the address.

    Args:
        model: The initial network; a new one replaces the draft.
        key: Name of the draft, such as the name of a preset; the session keeps one draft for each key, and
            the address the one that is drawn (`?builder_KEY=`), so that a reload changes nothing.

    Returns:
        `model` itself where nothing was changed, otherwise a network of family "blocks". Where the blocks
        do not fit together, draw an error and return None.

    Raises:
        ConfigError: The family or sizes of `model` are unknown.
    """
    name = f"builder_{key}_draft"
    draft: _Draft | None = st.session_state.get(name)
    if draft is None or draft.origin != model:
        linked = _in_address(key) if draft is None else None
        draft = _Draft(model, next_id=draft.next_id if draft else 0)
        draft.reset()
        draft.fill(linked)
        st.session_state[name] = draft
    blocks, problem = draft.blocks(), None
    network = ModelConfig(family="blocks", hparams={"blocks": [block.model_dump() for block in blocks]})
    changed = network.hparams["blocks"] != as_blocks(model)
    _name_in_address(key, blocks if changed else None)
    try:
        summary(blocks)
    except BlockError as error:
        problem = error

    wrong = 0 if problem is None else problem.number
    network_drawing.show(blocks, f"builder_{key}_drawing", draft.selected, wrong, draft.select)
    outputs = block_outputs(blocks)
    for position in range(len(blocks)):
        if position in (draft.selected, wrong - 1):
            _row(draft, key, position, shape_text(outputs[position]) if position < len(outputs) else "-")
        if problem is not None and wrong == position + 1:
            st.error(plain(problem), icon=":material/error:")
    if problem is not None and problem.number == 0:
        st.error(plain(problem), icon=":material/error:")
    _add_and_reset(draft, key, changed)
    if problem is not None:
        return None
    summary_of(network, f"builder_{key}_summary")
    _code(blocks, key)
    return network if changed else model


def use(model: ModelConfig, key: str, blocks_of: ModelConfig) -> None:
    """Replace the blocks of a draft.

    Args:
        model: The initial network that `show` will be given.
        key: Name of the draft.
        blocks_of: The network whose blocks are edited from now on.

    Raises:
        ConfigError: The family, sizes or blocks of a network are unknown.
    """
    previous = st.session_state.get(f"builder_{key}_draft")
    draft = _Draft(model, next_id=previous.next_id if previous else 0)
    draft.fill(parse_blocks(as_blocks(blocks_of)))
    st.session_state[f"builder_{key}_draft"] = draft


def _in_address(key: str) -> tuple[Block, ...] | None:
    """Return the blocks that the address names for a draft, or None where it names none that are valid."""
    text = st.query_params.get(f"{_PARAMETER}{key}", "")[:_ADDRESS_LENGTH]
    with contextlib.suppress(ValueError, RecursionError, ConfigError):  # anyone can write an address
        return parse_blocks(json.loads(text))
    return None


def _name_in_address(key: str, blocks: Sequence[Block] | None) -> None:
    """Put the changed blocks of the draft that is drawn into the address, and take out those of others."""
    name = f"{_PARAMETER}{key}"
    for other in [each for each in st.query_params if each.startswith(_PARAMETER) and each != name]:
        del st.query_params[other]
    if blocks is None:
        st.query_params.pop(name, None)
        return
    settings = [{"type": block.type} | block.model_dump(exclude_defaults=True) for block in blocks]
    text = json.dumps(settings, separators=(",", ":"))
    if st.query_params.get(name) != text:
        st.query_params[name] = text


def summary_of(model: ModelConfig, key: str = "builder_summary") -> None:
    """Draw the layers of a network with shapes, parameters and multiply-adds, without building it.

    Args:
        model: The network.
        key: Prefix of the widgets' keys.

    Raises:
        ConfigError: Its family, sizes or blocks are unknown or do not fit together.
    """
    whole = summary(as_blocks(model))
    rows = layers_table.layers({"layers": whole.layers})
    st.markdown(layers_table.totals(rows))
    with st.expander("Layers", icon=":material/table_rows:"):
        layers_table.table(rows, key, "Layers of the network")


def _row(draft: _Draft, key: str, position: int, output: str) -> None:
    own_id, block = draft.rows[position]
    names = [name for name in type(block).model_fields if name != "type"]
    last = len(draft.rows) - 1
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="bottom",
        gap="xsmall",
        key=f"builder_{key}_{own_id}_row",
    ):
        with st.container(width=150, gap=None):
            about = (type(block).__doc__ or "").partition(": ")[2].strip()
            st.markdown(
                f"**{position + 1}  {plain(label(block).capitalize())}**",
                help=plain(about[:1].upper() + about[1:]),
            )
            st.caption(f"→ {plain(output)}")
        with st.container(horizontal=True, gap="small", width="content"):
            actions: tuple[tuple[str, str, str, bool, Callable[..., None], tuple[int, ...]], ...] = (
                ("up", "arrow_upward", "Move up", position == 0, draft.move, (position, position - 1)),
                (
                    "down",
                    "arrow_downward",
                    "Move down",
                    position == last,
                    draft.move,
                    (position, position + 1),
                ),
                ("remove", "delete", "Remove", False, draft.remove, (position,)),
            )
            for what, icon, name, blocked, act, positions in actions:
                st.button(
                    plain(name),
                    icon=f":material/{icon}:",
                    type="tertiary",
                    disabled=blocked,
                    key=f"builder_{key}_{own_id}_{what}",
                    on_click=act,
                    args=positions,
                )
        for name in names:
            if name not in _SELDOM:
                _setting(draft, key, position, name)
        if seldom := [name for name in names if name in _SELDOM]:
            with st.popover(
                "More settings",
                icon=":material/tune:",
                type="tertiary",
                key=f"builder_{key}_{own_id}_more",
            ):
                for name in seldom:
                    _setting(draft, key, position, name)


def _setting(draft: _Draft, key: str, position: int, name: str) -> None:
    """Draw the input for a field of a block, with the range and description of the field."""
    own_id, block = draft.rows[position]
    info, value = type(block).model_fields[name], getattr(block, name)
    widget = f"builder_{key}_{own_id}_{name}"

    def keep() -> None:
        if (given := st.session_state[widget]) is not None:
            draft.rows[position] = (own_id, draft.rows[position][1].model_copy(update={name: given}))

    common: dict[str, Any] = {"help": info.description, "key": widget, "on_change": keep}
    title = plain(name.capitalize())
    if isinstance(value, bool):
        st.checkbox(title, value, **common)
    elif isinstance(value, str):
        choices = get_args(info.annotation)
        width: int | Literal["stretch"] = "stretch" if name in _SELDOM else _CHOICE_WIDTH
        st.selectbox(title, choices, index=choices.index(value), width=width, format_func=_words, **common)
    else:
        low, high = _range(info)
        step = 0.05 if isinstance(value, float) else 1
        st.number_input(
            title, type(value)(low), type(value)(high), value, step, width=_NUMBER_WIDTH, **common
        )


def _range(info: FieldInfo) -> tuple[float, float]:
    low = next(bound.ge for bound in info.metadata if hasattr(bound, "ge"))
    return low, next(bound.le for bound in info.metadata if hasattr(bound, "le"))


def _words(choice: str) -> str:
    return choice.replace("_", " ")


def _add_and_reset(draft: _Draft, key: str, changed: bool) -> None:
    """Draw the inputs that add a block, and the button that resets the network."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = st.selectbox(
            "New block",
            list(BLOCK_TYPES),
            format_func=lambda name: _words(name).capitalize(),
            width=170,
            key=f"builder_{key}_new",
            help=_NEW_HELP,
        )
        names = {
            position: f"before {position + 1} {label(block)}" for position, block in enumerate(draft.blocks())
        }
        places = {_WHERE_IT_FITS: "where it fits", **names, _AT_THE_END: "at the end"}
        place = st.selectbox(
            "Place",
            list(places),
            format_func=lambda p: places.get(p, ""),
            width=190,
            key=f"builder_{key}_place",
            help="“where it fits” is the last place where the network stays valid.",
        )
        st.button(
            "Add block",
            icon=":material/add:",
            key=f"builder_{key}_add",
            disabled=len(draft.rows) >= MAX_BLOCKS,
            on_click=_add,
            args=(draft, kind, place),
        )
        st.button(
            "Reset to the preset",
            icon=":material/undo:",
            type="tertiary",
            key=f"builder_{key}_reset",
            disabled=not changed,
            on_click=draft.reset,
            help="Undo all changes made here.",
        )


def _add(draft: _Draft, kind: str, place: int) -> None:
    block = BLOCK_TYPES[kind].model_validate({"type": kind})
    if place == _WHERE_IT_FITS:
        place = _fitting(draft.blocks(), block)
    position = len(draft.rows) if place == _AT_THE_END else place
    draft.insert(position, block)
    draft.select(position)


def _fitting(blocks: list[Block], block: Block) -> int:
    """Return the last position at which the network with `block` is valid, or the end if there is none."""
    for position in range(len(blocks), -1, -1):
        try:
            summary([*blocks[:position], block, *blocks[position:]])
        except BlockError:
            continue
        return position
    return len(blocks)


def _code(blocks: list[Block], key: str) -> None:
    with st.expander("Python code", icon=":material/code:"):
        st.caption("A script for Keras 3 that builds this network without FER Explorer.")
        code = python_code(blocks)
        st.download_button(
            "Download network.py",
            code,
            "network.py",
            "text/x-python",
            icon=":material/download:",
            key=f"builder_{key}_download",
            on_click="ignore",
        )
        st.code(code, language="python", height=420)
