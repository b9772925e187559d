"""Faces and probability bars as HTML: one element for many faces, so that all are drawn at once."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable

import numpy as np
import streamlit as st
from PIL import Image

from fer_core.emotions import COLOURS, EMOJI

from .component import style


def data_uri(image: np.ndarray) -> str:
    """Encode a grey (H, W) or RGB (H, W, 3) uint8 image as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def large(image: np.ndarray, alt: str) -> None:
    """Draw one face (48, 48) uint8, as large as there is room."""
    st.html(
        f'<img src="{data_uri(image)}" alt="{html.escape(alt, quote=True)}" '
        'style="width:100%;max-width:288px;border-radius:.6rem;display:block">'
    )


def gallery(images: Iterable[np.ndarray], labels: Iterable[str], notes: Iterable[str]) -> None:
    """Draw faces side by side, as many in a row as there is room for.

    Args:
        images: (48, 48) uint8 each.
        labels: The class of each, which sets colour and caption.
        notes: A second line below each; may be empty.
    """
    cells = []
    for image, label, note in zip(images, labels, notes, strict=True):
        caption = f"{EMOJI.get(label, '')} {html.escape(label)}" + (
            f"<br><small>{html.escape(note)}</small>" if note else ""
        )
        alt = html.escape(f"face, {label}{', ' + note if note else ''}", quote=True)
        colour = COLOURS.get(label, "#8C8C8C")
        cells.append(
            f'<div class="fer-face" style="--c:{colour}"><img src="{data_uri(image)}" '
            f'alt="{alt}"><div>{caption}</div></div>'
        )
    st.html(f'{style(__file__)}<div class="fer-gallery">{"".join(cells)}</div>')


def probability_bars(probabilities: dict[str, float]) -> None:
    """Draw a bar for each class, always in the order of the classes, so that faces can be compared."""
    st.html(style(__file__) + bars_html(probabilities))


def top_bars_html(probabilities: dict[str, float], count: int) -> str:
    """Return the style and the HTML of bars for the most probable classes, the first one first."""
    top = sorted(probabilities.items(), key=lambda item: -item[1])[:count]
    return style(__file__) + bars_html(dict(top))


def bars_html(probabilities: dict[str, float]) -> str:
    """Return the HTML of a bar for each class; it needs the style of this module."""
    first = max(probabilities, key=lambda name: probabilities[name])
    rows = []
    for name, p in probabilities.items():
        weight = ' class="first"' if name == first else ""
        rows.append(
            f"<span{weight}>{EMOJI.get(name, '')} {html.escape(name)}</span>"
            '<div class="track"><div class="fill" '
            f'style="width:{100 * p:.1f}%;background:{COLOURS.get(name, "#8C8C8C")}"></div></div>'
            f"<span{weight}>{p:.0%}</span>"
        )
    return f'<div class="fer-bars">{"".join(rows)}</div>'
