"""The watched faces with their probabilities by epoch, and filters, as one HTML element each, which draws at once."""

from __future__ import annotations

import base64
import html

import numpy as np
import streamlit as st

from fer_core.emotions import COLOURS, EMOJI, NAMES
from pages.shared.faces import data_uri

_STYLE = """<style>
.fer-watched{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:.6rem}
.fer-watched figure{margin:0;display:grid;grid-template-columns:56px 1fr;gap:.1rem .5rem;align-items:center;border:1px solid rgba(128,128,128,.25);
border-left:4px solid var(--c);border-radius:.5rem;padding:.4rem .5rem;font-size:.8rem;line-height:1.25}
.fer-watched img{width:56px;border-radius:.35rem}
.fer-watched img.way{border-radius:0;grid-column:1/3;width:100%;height:30px;display:block}
.fer-watched .track{height:.4rem;border-radius:.2rem;background:rgba(128,128,128,.2);overflow:hidden;margin-top:.2rem}
.fer-watched .fill{height:100%;background:var(--c)}
.fer-filters{display:grid;grid-template-columns:repeat(auto-fill,minmax(52px,1fr));gap:.4rem;max-width:900px}
.fer-filters img{width:100%;image-rendering:pixelated;border-radius:.25rem;display:block}
</style>"""
_POINTS = 60


@st.cache_data(max_entries=64, show_spinner=False)
def _uri(pixels: bytes, height: int, width: int) -> str:
    return data_uri(np.frombuffer(pixels, np.uint8).reshape(height, width))


def face_panel(faces: np.ndarray, true: np.ndarray, probabilities: np.ndarray) -> None:
    """Each face with what the network takes it for, the probability of its true class, and how that came about.

    Args:
        faces: (P, 48, 48) uint8.
        true: (P,) positions in emotions.NAMES.
        probabilities: (E, P, C) by epoch, the last one shown.
    """
    cells = []
    for i, (image, label) in enumerate(zip(faces, true, strict=True)):
        name, way = NAMES[label], probabilities[:, i, label]
        predicted = NAMES[int(probabilities[-1, i].argmax())]
        mark = "✓" if predicted == name else f"→ {html.escape(predicted)} {probabilities[-1, i].max():.0%}"
        cells.append(
            f'<figure style="--c:{COLOURS[name]}"><img src="{_uri(image.tobytes(), 48, 48)}" alt="face, {name}, taken for {predicted}">'
            f"<div>{EMOJI[name]} {name} {way[-1]:.0%}<br>{mark}"
            f'<div class="track"><div class="fill" style="width:{100 * way[-1]:.0f}%"></div></div></div>{_sparkline(way, COLOURS[name])}</figure>'
        )
    st.html(f'{_STYLE}<div class="fer-watched">{"".join(cells)}</div>')


def _sparkline(values: np.ndarray, colour: str) -> str:
    if len(values) < 2:
        return ""
    chosen = values[np.linspace(0, len(values) - 1, min(len(values), _POINTS)).astype(int)]
    points = " ".join(
        f"{100 * i / (len(chosen) - 1):.1f},{29 - 28 * float(v):.1f}" for i, v in enumerate(chosen)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 30" preserveAspectRatio="none">'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
    )
    # As an image: Streamlit takes inline SVG out.
    return (
        f'<img class="way" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}" alt="">'
    )


def filter_panel(filters: np.ndarray) -> None:
    """(n, h, w) weights of a convolution, each stretched to its own range around zero."""
    largest = np.maximum(np.abs(filters).max(axis=(1, 2), keepdims=True), 1e-9)
    images = np.round(127.5 + 127.5 * filters / largest).astype(np.uint8)
    cells = "".join(f'<img src="{data_uri(image)}" alt="filter {i + 1}">' for i, image in enumerate(images))
    st.html(f'{_STYLE}<div class="fer-filters">{cells}</div>')
