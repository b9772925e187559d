"""Accuracies as dots with their 95% intervals, one row below the other."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from . import charts

_ROW = 50  # pixels
_LONGEST_NAME = 36  # characters, which leave room for a figure on a phone of 390 pixels
_LEAST_SPAN = 0.1  # shortest axis, so that a narrow interval does not look wide


@dataclass(frozen=True)
class MarkerStyle:
    """How the dots of one kind are drawn."""

    name: str
    colour: str
    symbol: str = "circle"
    size: int = 12
    width: float = 3


@dataclass(frozen=True)
class Point:
    """One accuracy."""

    style: MarkerStyle
    value: float
    interval: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the chart: a name on the left, a figure on the right, dots below them."""

    name: str
    figure: str
    points: tuple[Point, ...]


def interval_chart(rows: list[Row]) -> go.Figure:
    """Draw the rows, the first one on top.

    Names are placed above their dots instead of beside the axis, which leaves room for the dots on a phone.
    """
    figure = go.Figure()
    styles = list(dict.fromkeys(point.style for row in rows for point in row.points))
    for style in styles:
        points = [
            (i, row, point) for i, row in enumerate(rows) for point in row.points if point.style == style
        ]
        reach = [point.interval or (point.value, point.value) for _, _, point in points]
        figure.add_scatter(
            x=[point.value for _, _, point in points],
            y=[i for i, _, _ in points],
            name=style.name,
            mode="markers",
            marker={
                "color": style.colour,
                "symbol": style.symbol,
                "size": style.size,
                "line": {"width": 2, "color": style.colour},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "color": style.colour,
                "thickness": style.width,
                "width": 0,
                "array": [high - point.value for (_, high), (_, _, point) in zip(reach, points, strict=True)],
                "arrayminus": [
                    point.value - low for (low, _), (_, _, point) in zip(reach, points, strict=True)
                ],
            },
            hovertext=[_hover(row, point) for _, row, point in points],
            hoverinfo="text",
        )
    ink = "#E8EAF3" if charts.is_dark() else "#1B2032"  # the theme's own colour for annotations is faint
    # All at once: add_annotation takes longer with every annotation that is there already.
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
            (f"<b>{html.escape(shorten(row.name, _LONGEST_NAME))}</b>", 0, "left"),
            (row.figure, 1, "right"),
        )
    ]
    ends = [end for row in rows for point in row.points for end in (point.value, *(point.interval or ()))]
    figure.update_layout(
        shapes=lines,
        annotations=words,
        height=_ROW * len(rows) + 90,
        margin={"l": 4, "r": 4, "t": 10, "b": 30 if len(styles) == 1 else 58},
        dragmode=False,
        xaxis={"tickformat": ".0%", "range": accuracy_range(ends), "fixedrange": True, "nticks": 8},
        yaxis={"range": [len(rows) - 0.6, -0.8], "visible": False, "fixedrange": True},
        showlegend=len(styles) > 1,
        legend={"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
    )
    return figure


def show(rows: list[Row], key: str, about: str) -> None:
    """Draw the chart on the page.

    Args:
        rows: The rows, the first one on top.
        key: Key of the chart.
        about: What its figures are, for screen readers, which are told all of them.
    """
    st.plotly_chart(
        interval_chart(rows),
        config=charts.CONFIG,
        key=key,
        alt=f"{about}: " + "; ".join(f"{row.name} {row.figure}" for row in rows),
    )


def percent(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """Format an accuracy as "68.3% (66.7 to 69.8)", or as a dash where it was not measured."""
    if value is None:
        return "-"
    return f"{100 * value:.1f}%" + (
        f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
    )


def format_plus_minus(value: float, interval: tuple[float, float] | None) -> str:
    """Format an accuracy as "68.3 ± 1.5%", short enough to fit beside a name on a phone."""
    return f"{100 * value:.1f} ± {50 * (interval[1] - interval[0]):.1f}%" if interval else percent(value)


def shorten(name: str, max_length: int) -> str:
    """Shorten a name to `max_length` characters in its middle, since names of runs begin with the date."""
    if len(name) <= max_length:
        return name
    tail = max_length // 2
    return f"{name[: max_length - tail - 1]}…{name[-tail:]}"


def _hover(row: Row, point: Point) -> str:
    return f"<b>{html.escape(row.name)}</b><br>{point.style.name}: {percent(point.value, point.interval)}" + (
        f"<br>{point.note}" if point.note else ""
    )


def accuracy_range(ends: Iterable[float]) -> tuple[float, float]:
    """Return an axis range that holds all `ends`, wide enough that noise does not look like a difference."""
    ends = list(ends)
    low, high = min(ends), max(ends)
    pad = max((high - low) * 0.06, (_LEAST_SPAN - (high - low)) / 2)
    return max(-0.02, low - pad), min(1.02, high + pad)
