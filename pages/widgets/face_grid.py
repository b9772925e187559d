"""Grid of faces that can be opened or selected: one component, so that all faces are drawn at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.emotions import COLOURS, EMOJI

from .component import component, script, stylesheet
from .faces import data_uri

_component = component(
    "fer_face_grid", html='<div class="grid"></div>', css=stylesheet(__file__), js=script(__file__)
)


@dataclass(frozen=True)
class Face:
    """A face of the grid."""

    index: int  # position in the data set
    image: np.ndarray  # (48, 48) uint8
    label: str  # the class, which sets emoji, colour and caption
    notes: tuple[str, ...] = ()  # lines below the class


def show(
    faces: Sequence[Face],
    key: str,
    on_open: Callable[[int], None] | None = None,
    selecting: bool = False,
    min_width: int = 92,
) -> list[int]:
    """Draw the grid.

    Args:
        on_open: Called with the index of the face that was clicked.
        selecting: Clicks select faces instead of opening them.
        min_width: Smallest width of a face in pixels.

    Returns:
        The indices of the selected faces.
    """
    state: Any = st.session_state.get(key, {})
    present = {face.index for face in faces}
    chosen = [i for i in state.get("chosen") or [] if i in present] if selecting else []

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
            "least": min_width,
        },
        default={"chosen": []},
        on_opened_change=opened,
        on_chosen_change=lambda: None,
    )
    return [i for i in result.get("chosen") or [] if i in present] if selecting else []


def _cell(face: Face) -> dict[str, Any]:
    return {
        "id": face.index,
        "src": data_uri(face.image),
        "label": face.label,
        "notes": [note for note in face.notes if note],
        "title": f"{EMOJI.get(face.label, '')} {face.label}".strip(),
        "colour": COLOURS.get(face.label, "#8C8C8C"),
    }
