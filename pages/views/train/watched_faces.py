"""Watched faces with their probabilities by epoch, and the first filters of a network."""

from __future__ import annotations

import base64
import html

import numpy as np
import streamlit as st

from fer_core.emotions import COLOURS, EMOJI, NAMES
from pages.widgets.component import style
from pages.widgets.faces import data_uri

_POINTS = 60


@st.cache_data(max_entries=64, show_spinner=False)
def _uri(pixels: bytes, height: int, width: int) -> str:
    return data_uri(np.frombuffer(pixels, np.uint8).reshape(height, width))


def face_panel(faces: np.ndarray, true: np.ndarray, probabilities: np.ndarray) -> None:
    """Draw each face with its prediction and the probability of its true class, now and by epoch.

    Args:
        faces: (P, 48, 48) uint8.
        true: (P,) positions in emotions.NAMES.
        probabilities: (E, P, C) by epoch; the last epoch is shown.
    """
    cells = []
    for i, (image, label) in enumerate(zip(faces, true, strict=True)):
        name, curve = NAMES[label], probabilities[:, i, label]
        predicted = NAMES[int(probabilities[-1, i].argmax())]
        mark = "✓" if predicted == name else f"→ {html.escape(predicted)} {probabilities[-1, i].max():.0%}"
        cells.append(
            f'<figure style="--c:{COLOURS[name]}"><img src="{_uri(image.tobytes(), 48, 48)}" alt="face, '
            f'{name}, predicted {predicted}">'
            f"<div>{EMOJI[name]} {name} {curve[-1]:.0%}<br>{mark}"
            '<div class="track"><div class="fill" '
            f'style="width:{100 * curve[-1]:.0f}%"></div></div></div>'
            f"{_sparkline(curve, COLOURS[name])}</figure>"
        )
    st.html(f'{style(__file__)}<div class="fer-watched">{"".join(cells)}</div>')


def _sparkline(values: np.ndarray, colour: str) -> str:
    if len(values) < 2:
        return ""
    chosen = values[np.linspace(0, len(values) - 1, min(len(values), _POINTS)).astype(int)]
    points = " ".join(
        f"{100 * i / (len(chosen) - 1):.1f},{29 - 28 * float(v):.1f}" for i, v in enumerate(chosen)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 30" preserveAspectRatio="none">'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    # As an image: Streamlit removes inline SVG.
    return (
        f'<img class="way" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}" alt="">'
    )


def filter_panel(filters: np.ndarray) -> None:
    """Draw the filters (n, h, w) of a convolution, each scaled to its own range around zero."""
    largest = np.maximum(np.abs(filters).max(axis=(1, 2), keepdims=True), 1e-9)
    images = np.round(127.5 + 127.5 * filters / largest).astype(np.uint8)
    cells = "".join(f'<img src="{data_uri(image)}" alt="filter {i + 1}">' for i, image in enumerate(images))
    st.html(f'{style(__file__)}<div class="fer-filters">{cells}</div>')
