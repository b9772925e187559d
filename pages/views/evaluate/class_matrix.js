"""A matrix of classes whose cells, rows and columns are buttons: a table that the keyboard and a screen reader can use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOJI

from . import charts
from .component import component

_CSS = """
.wrap{overflow-x:auto;padding:2px}
table{border-collapse:separate;border-spacing:2px;width:100%;font-family:var(--st-font);color:var(--st-text-color);table-layout:fixed}
caption{caption-side:top;text-align:center;font-size:.85rem;opacity:.8;padding-bottom:.2rem}
th{font-weight:500;font-size:.8rem;padding:0}
th.corner{font-size:.75rem;opacity:.8;text-align:left;font-weight:400;width:5.2rem}
button{all:unset;box-sizing:border-box;cursor:pointer;width:100%;text-align:center;border-radius:.3rem;padding:.2rem .1rem;
overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
th[scope=row] button{text-align:left;padding-left:.3rem}
th[scope=col] .emoji{display:block}
th[scope=col] button{font-size:.72rem;padding:.2rem 0;text-overflow:clip}
th[scope=row] .emoji{margin-right:.3rem}
td button{height:2.9rem;font-size:.92rem;font-variant-numeric:tabular-nums;background:var(--c);color:var(--t)}
button:hover{outline:1px solid var(--st-primary-color)}
button:focus-visible{outline:3px solid var(--st-primary-color);outline-offset:0}
button[aria-pressed=true]{outline:3px solid #E69F00;outline-offset:-1px}
@media (max-width:480px){th.corner{width:3.2rem}td button{height:2.4rem;font-size:.75rem}th{font-size:.68rem}.name{display:none}}
"""
_JS = """
function draw({ data, parentElement, setTriggerValue }) {
  const wrap = parentElement.querySelector(".wrap")
  const table = document.createElement("table")
  table.setAttribute("aria-label", data.title)
  const make = (parent, tag, text, attributes) => {
    const made = document.createElement(tag)
    if (text) made.textContent = text
    for (const name in attributes) made.setAttribute(name, attributes[name])
    parent.append(made)
    return made
  }
  make(table, "caption", data.columnTitle)
  const head = make(make(table, "thead"), "tr")
  make(head, "th", data.rowTitle, { class: "corner" })
  // A click changes what is chosen at once, since the next one may come before the page has answered. Until then data come that
  // know nothing of it: an answer to the click before.
  const early = wrap.clicks > data.clicks
  if (!early) wrap.clicks = data.clicks
  let chosen = early ? wrap.chosen : data.chosen
  const same = (row, column) => !!chosen && chosen[0] === row && chosen[1] === column
  const button = (parent, row, column, label) => {
    const made = make(parent, "button", "", { "aria-label": label, "aria-pressed": same(row, column), "data-place": row + "," + column, tabindex: -1, title: label })
    made.onclick = () => {
      if (chosen) at(...chosen)?.setAttribute("aria-pressed", false)
      wrap.chosen = chosen = same(row, column) ? null : [row, column]
      wrap.clicks += 1
      made.setAttribute("aria-pressed", !!chosen)
      setTriggerValue("clicked", { chosen, clicks: wrap.clicks })
    }
    return made
  }
  const named = (made, name, emoji) => { make(made, "span", emoji, { class: "emoji" }); make(made, "span", name, emoji ? { class: "name" } : {}) }
  data.columns.forEach((name, c) => named(button(make(head, "th", "", { scope: "col" }), -1, c, data.columnLabels[c]), name, data.columnEmoji[c]))
  const body = make(table, "tbody")
  data.rows.forEach((name, r) => {
    const line = make(body, "tr")
    named(button(make(line, "th", "", { scope: "row" }), r, -1, data.rowLabels[r]), name, data.rowEmoji[r])
    data.columns.forEach((_, c) => {
      const cell = button(make(line, "td"), r, c, data.labels[r][c])
      cell.style.setProperty("--c", data.colours[r][c])
      cell.style.setProperty("--t", data.texts[r][c])
      cell.textContent = data.shown[r][c]
    })
  })
  const at = (row, column) => table.querySelector(`[data-place="${row},${column}"]`)
  const focused = wrap.getRootNode().activeElement?.dataset.place
  const first = (chosen && at(...chosen)) || at(0, 0)
  if (first) first.tabIndex = 0
  table.onkeydown = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
    if (!step || !event.target.dataset.place) return
    event.preventDefault()
    const [row, column] = event.target.dataset.place.split(",").map(Number)
    const next = at(row + step[0], column + step[1])
    if (next) { event.target.tabIndex = -1; next.tabIndex = 0; next.focus() }
  }
  wrap.replaceChildren(table)
  const again = focused && table.querySelector(`[data-place="${focused}"]`)
  if (again) { if (first) first.tabIndex = -1; again.tabIndex = 0; again.focus({ preventScroll: true }) }
}
"""
_component = component("fer_matrix", html='<div class="wrap"></div>', css=_CSS, js=_JS)

Place = tuple[int, int]  # row and column; -1 is all of them


@dataclass(frozen=True)
class Titles:
    """Of the whole, and what rows and columns are."""

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
        values: (C, C) what colours a cell: 0 to 1, or -1 to 1 for differences, where blue is more and orange less.
        shown: what stands in each cell.
        labels: what a screen reader and a pointer that rests on it are told of each cell.
        on_choose: called with what was clicked; None where the chosen one was clicked again.
    """
    emoji = [EMOJI.get(name, "") for name in names]
    fills = [[_colour(float(value)) for value in row] for row in values]
    answered = f"{key}_clicks"

    def clicked() -> None:
        told = st.session_state[key].get("clicked")
        if told is not None:
            st.session_state[answered] = int(told["clicks"])
            on_choose((int(told["chosen"][0]), int(told["chosen"][1])) if told["chosen"] else None)

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


def _colour(value: float) -> tuple[int, int, int]:
    """From the page's ground at 0 to blue at 1 and orange at -1; the square root, so that small differences are seen."""
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
    """Black or white, whichever has more contrast."""
    channels = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return "#12151F" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#FFFFFF"
