"""The last minute of a face as lines, one for each class.

A small image instead of a Plotly figure, since it is redrawn twice a second for each visitor.
"""

from __future__ import annotations

import base64

import numpy as np
import streamlit as st

from fer_core.emotions import COLOURS
from fer_core.live.history import SECONDS, History

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 600, 190, 44, 22
_GREY = "#8C8C8C"  # readable on light and dark backgrounds
_GAP = 1.5  # seconds without a point after which a line is interrupted


def show(history: History, labels: tuple[str, ...], name: str) -> None:
    """Draw the lines; `name` names the face for screen readers."""
    alt = f"probabilities of the last {SECONDS:.0f} seconds of {name}"
    picture = base64.b64encode(svg(history, labels).encode()).decode()
    # As an image: Streamlit removes inline SVG.
    st.html(f'<img src="data:image/svg+xml;base64,{picture}" alt="{alt}" style="width:100%;display:block">')


def svg(history: History, labels: tuple[str, ...]) -> str:
    """Return the lines as SVG: a minute ago on the left, now on the right, grid lines at 0, 50 and 100%."""
    parts = []
    for share in (0, 0.5, 1):
        y = _y(share)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_GREY}" '
            'stroke-opacity=".35"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for ago, anchor in ((60, "start"), (40, "middle"), (20, "middle"), (0, "end")):
        text = "now" if ago == 0 else f"{ago} s ago"
        parts.append(f'<text x="{_x(ago):.1f}" y="{_HEIGHT - 4}" text-anchor="{anchor}">{text}</text>')
    ends = np.flatnonzero(-np.diff(history.ages) > _GAP) + 1
    for ages, rows in zip(np.split(history.ages, ends), np.split(history.probabilities, ends), strict=True):
        for column, label in enumerate(labels):
            points = " ".join(
                f"{_x(age):.1f},{_y(row[column]):.1f}" for age, row in zip(ages, rows, strict=True)
            )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{COLOURS.get(label, _GREY)}" '
                'stroke-width="2.2"/>'
            )
    style = f'font-family="sans-serif" font-size="13" fill="{_GREY}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f"<g {style}>{''.join(parts)}</g></svg>"
    )


def _x(ago: float) -> float:
    return _LEFT + (_WIDTH - _LEFT) * (1 - ago / SECONDS)


def _y(share: float) -> float:
    return 4 + (_HEIGHT - _BOTTOM - 8) * (1 - share)
