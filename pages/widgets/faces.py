"""Faces as HTML: galleries and probability bars. A page of faces is one element, which draws at once."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable

import numpy as np
import streamlit as st
from PIL import Image

from fer_core.emotions import COLOURS, EMOJI

_STYLE = """<style>
.fer-gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:.6rem}
.fer-face{border-radius:.5rem;overflow:hidden;border:1px solid rgba(128,128,128,.25);border-bottom:4px solid var(--c)}
.fer-face img{width:100%;display:block;image-rendering:auto;aspect-ratio:1}
.fer-face div{padding:.15rem .4rem .25rem;font-size:.78rem;line-height:1.25}
.fer-face small{opacity:.75}
.fer-bars{display:grid;grid-template-columns:auto 1fr auto;gap:.28rem .6rem;align-items:center;font-size:.9rem}
.fer-bars .track{height:.75rem;border-radius:.4rem;background:rgba(128,128,128,.18);overflow:hidden}
.fer-bars .fill{height:100%;border-radius:.4rem}
.fer-bars .first{font-weight:650}
</style>"""


def data_uri(image: np.ndarray) -> str:
    """A grey (H, W) or RGB (H, W, 3) uint8 image as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def large(image: np.ndarray, alt: str) -> None:
    """One face (48, 48) uint8, enlarged as far as there is room."""
    st.html(
        f'<img src="{data_uri(image)}" alt="{html.escape(alt, quote=True)}" style="width:100%;max-width:288px;border-radius:.6rem;display:block">'
    )


def gallery(images: Iterable[np.ndarray], labels: Iterable[str], notes: Iterable[str]) -> None:
    """Faces side by side, as many in a row as there is room for.

    Args:
        images: (48, 48) uint8 each.
        labels: the class whose colour underlines the face, and its caption.
        notes: a second line below each, may be empty.
    """
    cells = []
    for image, label, note in zip(images, labels, notes, strict=True):
        caption = f"{EMOJI.get(label, '')} {html.escape(label)}" + (
            f"<br><small>{html.escape(note)}</small>" if note else ""
        )
        alt = html.escape(f"face, {label}{', ' + note if note else ''}", quote=True)
        colour = COLOURS.get(label, "#8C8C8C")
        cells.append(
            f'<div class="fer-face" style="--c:{colour}"><img src="{data_uri(image)}" alt="{alt}"><div>{caption}</div></div>'
        )
    st.html(f'{_STYLE}<div class="fer-gallery">{"".join(cells)}</div>')


def probability_bars(probabilities: dict[str, float]) -> None:
    """A bar for each class, in the order of the classes, so that faces compare at a glance."""
    first = max(probabilities, key=lambda name: probabilities[name])
    rows = []
    for name, p in probabilities.items():
        weight = ' class="first"' if name == first else ""
        rows.append(
            f"<span{weight}>{EMOJI.get(name, '')} {html.escape(name)}</span>"
            f'<div class="track"><div class="fill" style="width:{100 * p:.1f}%;background:{COLOURS.get(name, "#8C8C8C")}"></div></div>'
            f"<span{weight}>{p:.0%}</span>"
        )
    st.html(f'{_STYLE}<div class="fer-bars">{"".join(rows)}</div>')
