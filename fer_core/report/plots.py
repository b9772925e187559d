"""Charts of shares as inline SVG, without scripts and in the colours of the page's theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup, escape

_LEFT, _BOTTOM, _TOP, _RIGHT = 38, 34, 22, 18  # room for the axes


@dataclass(frozen=True)
class Line:
    """Line of points between 0 and 1 in both directions."""

    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    colour: str = "var(--accent)"
    name: str = ""
    intervals: Sequence[tuple[float, float]] = field(
        default=()
    )  # one for each point; drawn as bars or a band
    dots: bool = False


def share_plot(
    lines: Sequence[Line],
    x_title: str,
    y_title: str,
    label: str,
    size: tuple[int, int] = (420, 300),
    *,
    diagonal: bool = False,
    lowest: float = 0.0,
) -> Markup:
    """Draw a plot of shares over shares.

    Args:
        label: Text for screen readers.
        size: The size of the drawing, which is scaled to the available space.
        diagonal: Draw the line from (0, 0) to (1, 1).
        lowest: Start of the upright axis.
    """
    width, height = size

    def place(x: float, y: float) -> str:
        across = _LEFT + x * (width - _LEFT - _RIGHT)
        up = (y - lowest) / (1 - lowest)
        return f"{across:.1f},{_TOP + (1 - min(1.0, max(0.0, up))) * (height - _TOP - _BOTTOM):.1f}"

    out = [f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">']
    steps = np.linspace(0, 1, 6 if width > 300 else 3)
    for step in steps:
        (x, y0), (x0, y) = place(step, lowest).split(","), place(0, lowest + step * (1 - lowest)).split(",")
        out.append(
            f'<path class="grid" d="M{place(step, lowest)}L{place(step, 1)}M{x0},{y}L{width - _RIGHT},{y}"/>'
        )
        out.append(f'<text x="{x}" y="{float(y0) + 14:.1f}" text-anchor="middle">{step:.0%}</text>')
        out.append(
            f'<text x="{_LEFT - 5}" y="{float(y) + 4:.1f}" '
            f'text-anchor="end">{lowest + step * (1 - lowest):.0%}</text>'
        )
    middle = (_LEFT + width - _RIGHT) / 2
    out.append(
        f'<text class="title" x="{middle:.0f}" y="{height - 4}" text-anchor="middle">{escape(x_title)}</text>'
    )
    out.append(f'<text class="title" x="2" y="12">{escape(y_title)}</text>')
    if diagonal:
        out.append(f'<path class="chance" d="M{place(0, 0)}L{place(1, 1)}"/>')
    for line in lines:
        points = [place(float(x), float(y)) for x, y in zip(line.x, line.y, strict=True)]
        if line.intervals and not line.dots:
            low = [place(float(x), end) for x, (end, _) in zip(line.x, line.intervals, strict=True)]
            high = [place(float(x), end) for x, (_, end) in zip(line.x, line.intervals, strict=True)]
            out.append(f'<polygon points="{" ".join(low + high[::-1])}" fill="{line.colour}" opacity=".2"/>')
        out.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{line.colour}" stroke-width="2"/>'
        )
        if line.dots:
            out += [
                f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3.5" fill="{line.colour}"/>'
                for p in points
            ]
            out += [
                f'<path d="M{place(float(x), low)}L{place(float(x), high)}" stroke="{line.colour}" '
                'stroke-width="1.5"/>'
                for x, (low, high) in zip(line.x, line.intervals, strict=False)
            ]
    return Markup("".join([*out, "</svg>"]))


def interval_bar(
    value: float, interval: tuple[float, float], colour: str = "var(--accent)", reference: float | None = None
) -> Markup:
    """Draw a dot with its interval from 0 to 1 and a tick at `reference`, as small as a table cell."""
    low, high = interval
    tick = "" if reference is None else f'<path class="tick" d="M{200 * reference:.1f},1V15"/>'
    return Markup(
        '<svg class="interval" viewBox="-6 0 212 16" aria-hidden="true"><path class="grid" '
        f'd="M0,8H200"/>{tick}'
        f'<path d="M{200 * low:.1f},8H{200 * high:.1f}" stroke="{colour}" stroke-width="3"/>'
        f'<circle cx="{200 * value:.1f}" cy="8" r="4.5" fill="{colour}"/></svg>'
    )
