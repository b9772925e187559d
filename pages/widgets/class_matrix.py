"""Matrix of classes whose cells, rows and columns are buttons, accessible by keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOJI

from . import charts
from .component import component, script, stylesheet

_component = component(
    "fer_matrix", html='<div class="wrap"></div>', css=stylesheet(__file__), js=script(__file__)
)

Place = tuple[int, int]  # row and column; -1: all of them


@dataclass(frozen=True)
class Titles:
    """Titles of the matrix, its rows and its columns."""

    whole: str
    row: str
    column: str


def show(
    values: np.ndarray,
    names: tuple[str, ...],
    titles: Titles,
    key: str,
    *,
    shown: list[list[str]],
    labels: list[list[str]],
    chosen: Place | None,
    on_choose: Callable[[Place | None], None],
) -> None:
    """Draw the matrix.

    Args:
        values: (C, C) sets the colours: 0 to 1, or -1 to 1 for differences (blue: better, orange: worse).
        names: Names of the classes.
        titles: Titles of the matrix, its rows and its columns.
        key: Key of the component.
        shown: Text of each cell.
        labels: Description of each cell for screen readers and as tooltip.
        chosen: The selected cell, row or column.
        on_choose: Called with what was clicked, or None where the selection was clicked again.
    """
    emoji = [EMOJI.get(name, "") for name in names]
    fills = [[_colour(float(value)) for value in row] for row in values]
    answered = f"{key}_clicks"

    def clicked() -> None:
        event = st.session_state[key].get("clicked")
        if event is not None:
            st.session_state[answered] = int(event["clicks"])
            place = event["chosen"]
            on_choose((int(place[0]), int(place[1])) if place else None)

    data: dict[str, Any] = {
        "title": titles.whole,
        "rowTitle": f"{titles.row} ↓",
        "columnTitle": f"{titles.column} →",
        "rows": names,
        "columns": names,
        "rowEmoji": emoji,
        "columnEmoji": emoji,
        "shown": shown,
        "labels": labels,
        "rowLabels": [f"All with {titles.row} {name}" for name in names],
        "columnLabels": [f"All with {titles.column} {name}" for name in names],
        "colours": [[f"rgb{fill}" for fill in row] for row in fills],
        "texts": [[_readable_on(fill) for fill in row] for row in fills],
        "chosen": None if chosen is None else list(chosen),
        "clicks": st.session_state.get(answered, 0),
    }
    _component(key=key, data=data, on_clicked_change=clicked)


def improvement(difference: np.ndarray) -> np.ndarray:
    """Return the colours of a difference of confusion matrices (C, C): -1 for worst, 1 for best.

    On the diagonal more is better, off it fewer.
    """
    better = np.where(np.eye(len(difference), dtype=bool), difference, -difference)
    colours: np.ndarray = better / max(1, np.abs(difference).max())
    return colours


def _colour(value: float) -> tuple[int, int, int]:
    """Blend from the background at 0 to blue at 1 and orange at -1; a square root shows small differences."""
    ground, blue, orange = (
        ((28, 33, 48), (142, 164, 255), (240, 160, 64))
        if charts.is_dark()
        else ((240, 242, 249), (43, 69, 159), (190, 92, 0))
    )
    share = min(1.0, abs(value)) ** 0.5 if value < 0 else min(1.0, value)
    towards = blue if value >= 0 else orange
    red, green, mixed_blue = (round(g + (t - g) * share) for g, t in zip(ground, towards, strict=True))
    return red, green, mixed_blue


def _readable_on(colour: tuple[int, int, int]) -> str:
    """Return black or white, whichever has more contrast."""
    channels = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return "#12151F" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#FFFFFF"
