"""A face, large, whose mask and sunglasses can be dragged: by pointer, by finger, or by the arrow keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from fer_core.robustness.disguise import Cover, drawing
from pages.shared.component import component
from pages.shared.faces import data_uri

_CSS = """
.stage{position:relative;width:100%;max-width:336px;aspect-ratio:1;overflow:hidden;border-radius:.6rem;user-select:none}
.stage>img{width:100%;height:100%;display:block;image-rendering:pixelated}
.head{position:absolute;inset:0}
.cover{position:absolute;transform-origin:center;cursor:grab;touch-action:none;border-radius:.5rem;outline-offset:2px}
.cover img{width:100%;display:block;opacity:0;pointer-events:none}
.cover:hover{outline:1.5px dashed rgba(255,255,255,.85);box-shadow:0 0 0 3px rgba(0,0,0,.25)}
.cover:focus-visible{outline:3px solid var(--st-primary-color)}
.moving .cover{cursor:grabbing}
.moving .cover img{opacity:1}
"""
_JS = """
const STEP = 1 / 48, PAUSE = 220

function draw({ data, parentElement, setStateValue }) {
  const stage = parentElement.querySelector(".stage")
  const head = stage.querySelector(".head"), face = stage.querySelector("img")
  const clip = (value) => Math.min(1, Math.max(0, value))
  const place = (cover) => {
    cover.style.left = 100 * cover.at[0] + "%"
    cover.style.top = 100 * cover.at[1] + "%"
  }
  const lift = () => { stage.classList.add("moving"); face.src = stage.data.bare }
  const send = () => {
    stage.moves += 1
    setStateValue("places", { moves: stage.moves, at: Object.fromEntries([...head.children].map((c) => [c.dataset.kind, c.at])) })
  }

  stage.data = data
  if (stage.held) return  // what comes while a cover is in the hand is drawn when it is let go
  if (stage.moves > data.moves) return  // an answer to the move before: it would put the cover back
  stage.moves = data.moves
  stage.classList.remove("moving")
  face.src = data.seen
  face.alt = data.alt
  head.style.transform = "rotate(" + -data.rotation + "deg)"
  const kinds = data.covers.map((cover) => cover.kind)
  for (const old of [...head.children]) if (!kinds.includes(old.dataset.kind)) old.remove()
  for (const [layer, wanted] of data.covers.entries()) {
    let cover = head.querySelector("[data-kind=" + wanted.kind + "]")
    if (!cover) {
      cover = document.createElement("div")
      cover.className = "cover"
      cover.dataset.kind = wanted.kind
      cover.tabIndex = 0
      cover.setAttribute("role", "button")
      cover.setAttribute("aria-label", wanted.kind + ": drag it, or move it by the arrow keys")
      const image = document.createElement("img")
      image.src = wanted.src
      image.alt = ""
      cover.append(image)
      head.append(cover)
      listen(cover)
    }
    cover.at = wanted.at
    cover.style.zIndex = layer  // in the order in which they are drawn
    cover.style.width = 100 * wanted.width + "%"
    cover.style.transform = "translate(-50%,-50%) rotate(" + -wanted.tilt + "deg)"
    place(cover)
  }

  function listen(cover) {
    let from = null, timer = null
    cover.onpointerdown = (event) => {
      event.preventDefault()
      cover.focus()
      cover.setPointerCapture(event.pointerId)
      from = { x: event.clientX, y: event.clientY, at: cover.at }
      stage.held = true
      lift()
    }
    cover.onpointermove = (event) => {
      if (!from) return
      const side = stage.clientWidth, angle = stage.data.rotation * Math.PI / 180
      const x = (event.clientX - from.x) / side, y = (event.clientY - from.y) / side
      // The head is turned: what moves to the right on the screen moves along the head's own axes.
      const across = x * Math.cos(angle) - y * Math.sin(angle), down = x * Math.sin(angle) + y * Math.cos(angle)
      cover.at = [clip(from.at[0] + across), clip(from.at[1] + down)]
      place(cover)
    }
    cover.onpointerup = cover.onpointercancel = () => {
      if (!from) return
      const moved = cover.at[0] !== from.at[0] || cover.at[1] !== from.at[1]
      from = null
      stage.held = false
      if (moved) return send()
      stage.classList.remove("moving")
      face.src = stage.data.seen
    }
    cover.onkeydown = (event) => {
      const step = STEP * (event.shiftKey ? 4 : 1)
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key]
      if (!move) return
      event.preventDefault()
      event.stopPropagation()
      lift()
      cover.at = [clip(cover.at[0] + move[0]), clip(cover.at[1] + move[1])]
      place(cover)
      stage.held = true
      clearTimeout(timer)
      timer = setTimeout(() => { stage.held = false; send() }, PAUSE)
    }
  }
}
"""
_component = component(
    "fer_dragging",
    html='<div class="stage"><img draggable="false"><div class="head"></div></div>',
    css=_CSS,
    js=_JS,
)


def places(key: str, covers: Sequence[Cover]) -> list[tuple[float, float]]:
    """Where the covers are: where they were dragged to, else where they were put. To be asked before `show`."""
    moved = _sent(key).get("at", {})
    return [_inside(moved.get(cover.kind), (cover.x, cover.y)) for cover in covers]


def show(
    seen: np.ndarray, bare: np.ndarray, covers: Sequence[Cover], rotation: float, key: str, alt: str
) -> None:
    """Draw the face.

    Args:
        seen: (48, 48) uint8, with the covers on, as the model sees it.
        bare: (48, 48) uint8, the same without covers, shown while one of them is moved.
        rotation: degrees counter-clockwise by which the head is turned.
    """
    _component(
        key=key,
        default={"places": {}},
        on_places_change=lambda: None,
        data={
            "seen": data_uri(seen),
            "bare": data_uri(bare),
            "rotation": rotation,
            "alt": alt,
            "moves": _sent(key).get("moves", 0),
            "covers": [
                {
                    "kind": c.kind,
                    "at": [c.x, c.y],
                    "width": c.width,
                    "tilt": c.tilt,
                    "src": data_uri(drawing(c.kind)),
                }
                for c in covers
            ],
        },
    )


def _sent(key: str) -> dict[str, Any]:
    """What the browser sent last: how often something was moved, and where everything is since."""
    state: Any = st.session_state.get(key, {})
    return state.get("places") or {}


def _inside(place: Any, otherwise: tuple[float, float]) -> tuple[float, float]:
    """What a browser sent, if it is a place."""
    try:
        x, y = (float(value) for value in place)
    except (TypeError, ValueError):
        return otherwise
    return (min(1.0, max(0.0, x)), min(1.0, max(0.0, y))) if math.isfinite(x + y) else otherwise
