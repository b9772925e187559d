"""Faces with heat maps over them."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from fer_core.explanation.heat import heat

from .component import style
from .faces import data_uri


def show(pictures: list[tuple[np.ndarray, np.ndarray, str]]) -> None:
    """Draw heat maps side by side.

    Args:
        pictures: For each a face (48, 48) uint8, a map (48, 48) in [0, 1], and a caption.
    """
    figures = [
        f'<figure><img src="{data_uri(heat(face, heat_map))}" alt="{html.escape(caption, quote=True)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for face, heat_map, caption in pictures
    ]
    st.html(f'{style(__file__)}<div class="fer-why">{"".join(figures)}</div>')
