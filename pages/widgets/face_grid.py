"""Faces side by side that can be clicked or chosen: a small component, since a page of them is one element that draws at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.emotions import COLOURS, EMOJI

from .component import component
from .faces import data_uri

_CSS = """
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(var(--least),1fr));gap:.6rem;padding:2px}
button{all:unset;box-sizing:border-box;cursor:pointer;border-radius:.5rem;overflow:hidden;border:1px solid rgba(128,128,128,.25);
border-bottom:4px solid var(--c);font-family:var(--st-font);color:var(--st-text-color);display:flex;flex-direction:column}
button:hover{border-color:var(--st-primary-color)}
button:focus-visible{outline:2px solid var(--st-primary-color);outline-offset:1px}
button[aria-pressed=true]{outline:3px solid var(--st-primary-color)}
img{width:100%;display:block;aspect-ratio:1}
span{padding:.15rem .4rem .25rem;font-size:.78rem;line-height:1.25;overflow-wrap:anywhere}
small{opacity:.75;display:block;font-size:.72rem}
"""
_JS = """
function draw({ data, parentElement, setTriggerValue, setStateValue }) {
  const grid = parentElement.querySelector(".grid")
  // An answer that only repeats what was chosen comes late: drawing it would undo the clicks since, and take the focus away.
  const drawn = JSON.stringify({ ...data, chosen: null })
  if (grid.drawn === drawn) return
  grid.drawn = drawn
  grid.style.setProperty("--least", data.least + "px")
  const chosen = new Set(data.chosen)
  grid.replaceChildren(...data.faces.map((face) => {
    const button = document.createElement("button")
    button.style.setProperty("--c", face.colour)
    button.dataset.face = face.id
    const image = document.createElement("img")
    image.src = face.src
    image.alt = "face, " + [face.label, ...face.notes].join(", ")
    const text = document.createElement("span")
    text.textContent = face.title
    for (const note of face.notes) {
      const line = document.createElement("small")
      line.textContent = note
      text.append(line)
    }
    button.append(image, text)
    if (data.selecting) button.setAttribute("aria-pressed", chosen.has(face.id))
    button.onclick = () => {
      if (!data.selecting) return setTriggerValue("opened", face.id)
      chosen.has(face.id) ? chosen.delete(face.id) : chosen.add(face.id)
      button.setAttribute("aria-pressed", chosen.has(face.id))
      setStateValue("chosen", [...chosen])
    }
    return button
  }))
}
"""
_component = component("fer_face_grid", html='<div class="grid"></div>', css=_CSS, js=_JS)


@dataclass(frozen=True)
class Face:
    """One of a grid."""

    index: int  # position in the data set
    image: np.ndarray  # (48, 48) uint8
    label: str  # its class: emoji, colour and caption
    notes: tuple[str, ...] = ()  # lines below


def show(
    faces: Sequence[Face],
    key: str,
    on_open: Callable[[int], None] | None = None,
    selecting: bool = False,
    least: int = 92,
) -> list[int]:
    """Draw the faces.

    Args:
        on_open: called with the index of a face that was clicked.
        selecting: clicks choose faces instead of opening them.
        least: pixels that a face is wide at least.

    Returns:
        The indices of the chosen faces.
    """
    state: Any = st.session_state.get(key, {})
    there = {face.index for face in faces}
    chosen = [i for i in state.get("chosen") or [] if i in there] if selecting else []

    def opened() -> None:
        index = st.session_state[key].get("opened")
        if index is not None and on_open is not None:
            on_open(int(index))

    result = _component(
        key=key,
        data={
            "key": key,
            "faces": [_cell(face) for face in faces],
            "selecting": selecting,
            "chosen": chosen,
            "least": least,
        },
        default={"chosen": []},
        on_opened_change=opened,
        on_chosen_change=lambda: None,
    )
    return [i for i in result.get("chosen") or [] if i in there] if selecting else []


def _cell(face: Face) -> dict[str, Any]:
    return {
        "id": face.index,
        "src": data_uri(face.image),
        "label": face.label,
        "notes": [note for note in face.notes if note],
        "title": f"{EMOJI.get(face.label, '')} {face.label}".strip(),
        "colour": COLOURS.get(face.label, "#8C8C8C"),
    }
