"""A large face whose mask and sunglasses can be dragged by pointer or finger, or moved by the arrow keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from fer_core.robustness.what_if import Cover, drawing
from pages.widgets.component import component, script, stylesheet
from pages.widgets.faces import data_uri

_component = component(
    "fer_dragging",
    html='<div class="stage"><img draggable="false"><div class="head"></div></div>',
    css=stylesheet(__file__),
    js=script(__file__),
)


def places(key: str, covers: Sequence[Cover]) -> list[tuple[float, float]]:
    """Return the places of the covers after dragging, or their initial places. Call before `show`."""
    moved = _sent(key).get("at", {})
    return [_inside(moved.get(cover.kind), (cover.x, cover.y)) for cover in covers]


def show(
    seen: np.ndarray, bare: np.ndarray, covers: Sequence[Cover], rotation: float, key: str, alt: str
) -> None:
    """Draw the face.

    Args:
        seen: (48, 48) uint8, with the covers, as the model sees it.
        bare: (48, 48) uint8, without covers, shown while a cover is moved.
        covers: The covers that can be moved.
        rotation: Counter-clockwise rotation of the head in degrees.
        key: Key of the component.
        alt: Description for screen readers.
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
    """Return what the browser sent last: the number of moves, and the places of the covers."""
    state: Any = st.session_state.get(key, {})
    return state.get("places") or {}


def _inside(place: Any, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Return a place sent by the browser, clipped to the image, or `otherwise` where it is not a place."""
    try:
        x, y = (float(value) for value in place)
    except (TypeError, ValueError):
        return otherwise
    return (min(1.0, max(0.0, x)), min(1.0, max(0.0, y))) if math.isfinite(x + y) else otherwise
