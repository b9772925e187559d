"""Accuracies as dots with their 95 % intervals, one model below the other."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

import plotly.graph_objects as go

from . import charts

_ROW = 50  # pixels
_LONGEST_NAME = 36  # characters, which leave room for a figure on a phone of 390 pixels
_LEAST_SPAN = 0.1  # of the axis, so that one narrow interval does not look wide


@dataclass(frozen=True)
class Look:
    """How the dots of one kind are drawn."""

    name: str
    colour: str
    symbol: str = "circle"
    size: int = 12
    width: float = 3


@dataclass(frozen=True)
class Dot:
    """One accuracy."""

    look: Look
    value: float
    interval: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """What stands on one line: a name to the left, a figure to the right, dots below them."""

    name: str
    figure: str
    dots: tuple[Dot, ...]


def interval_chart(rows: list[Row]) -> go.Figure:
    """The first row on top. Names stand above their dots instead of beside the axis, which leaves a phone room for the dots."""
    figure = go.Figure()
    looks = list(dict.fromkeys(dot.look for row in rows for dot in row.dots))
    for look in looks:
        found = [(i, row, dot) for i, row in enumerate(rows) for dot in row.dots if dot.look == look]
        reach = [dot.interval or (dot.value, dot.value) for _, _, dot in found]
        figure.add_scatter(
            x=[dot.value for _, _, dot in found],
            y=[i for i, _, _ in found],
            name=look.name,
            mode="markers",
            marker={
                "color": look.colour,
                "symbol": look.symbol,
                "size": look.size,
                "line": {"width": 2, "color": look.colour},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "color": look.colour,
                "thickness": look.width,
                "width": 0,
                "array": [high - dot.value for (_, high), (_, _, dot) in zip(reach, found, strict=True)],
                "arrayminus": [dot.value - low for (low, _), (_, _, dot) in zip(reach, found, strict=True)],
            },
            hovertext=[_hover(row, dot) for _, row, dot in found],
            hoverinfo="text",
        )
    ink = "#E8EAF3" if charts.is_dark() else "#1B2032"  # the theme's own colour for annotations is faint
    # All at once: each add_annotation would go through those before it again.
    lines = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": i,
            "y1": i,
            "layer": "below",
            "line": {"color": "rgba(128,128,128,.3)", "width": 1},
        }
        for i in range(len(rows))
    ]
    words = [
        {
            "text": text,
            "xref": "paper",
            "x": x,
            "xanchor": anchor,
            "y": i,
            "yanchor": "bottom",
            "yshift": 9,
            "showarrow": False,
            "font": {"size": 13, "color": ink},
        }
        for i, row in enumerate(rows)
        for text, x, anchor in (
            (f"<b>{html.escape(shortened(row.name, _LONGEST_NAME))}</b>", 0, "left"),
            (row.figure, 1, "right"),
        )
    ]
    ends = [end for row in rows for dot in row.dots for end in (dot.value, *(dot.interval or ()))]
    figure.update_layout(
        shapes=lines,
        annotations=words,
        height=_ROW * len(rows) + 90,
        margin={"l": 4, "r": 4, "t": 10, "b": 30},
        dragmode=False,
        xaxis={"tickformat": ".0%", "range": accuracy_range(ends), "fixedrange": True, "nticks": 8},
        yaxis={"range": [len(rows) - 0.6, -0.8], "visible": False, "fixedrange": True},
        showlegend=len(looks) > 1,
        legend={"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
    )
    return figure


def percent(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """68.3 % (66.7 to 69.8), or a dash for what was not measured."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" + (
        f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
    )


def around(value: float, interval: tuple[float, float] | None) -> str:
    """68.3 ± 1.5 %, short enough to stand beside a name on a phone."""
    return f"{100 * value:.1f} ± {50 * (interval[1] - interval[0]):.1f} %" if interval else percent(value)


def shortened(name: str, most: int) -> str:
    """A name of at most so many characters; what is left out comes from its middle, since runs begin with their date."""
    if len(name) <= most:
        return name
    tail = most // 2
    return f"{name[: most - tail - 1]}…{name[-tail:]}"


def _hover(row: Row, dot: Dot) -> str:
    return f"<b>{html.escape(row.name)}</b><br>{dot.look.name}: {percent(dot.value, dot.interval)}" + (
        f"<br>{dot.note}" if dot.note else ""
    )


def accuracy_range(ends: Iterable[float]) -> tuple[float, float]:
    """The part of an axis that shows these accuracies and ends of intervals, never so narrow that chance looks like a difference."""
    ends = list(ends)
    low, high = min(ends), max(ends)
    pad = max((high - low) * 0.06, (_LEAST_SPAN - (high - low)) / 2)
    return max(-0.02, low - pad), min(1.02, high + pad)
