"""Accuracy against milliseconds for one image, with the size of the file as the size of the dot."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from pages.widgets import charts
from pages.widgets.interval_chart import accuracy_range, percent, shorten

from . import scoreboard, speed
from .catalog import Figures, Model

_LARGEST = 34  # pixels across, of the largest file's dot
_NAMED_AT_MOST = 8  # names of more dots would overlap
_TICKS = [digit * 10.0**power for power in range(-3, 5) for digit in (1, 2, 5)]
_LOG_TICKS = {"tickvals": _TICKS, "ticktext": [f"{tick:g}" for tick in _TICKS]}  # 0.2, 0.5, 1, 2 ...
_NAMES = {"labels": "against the FER2013 labels", "votes": "against the FER+ votes"}


def show(boards: Sequence[scoreboard.Board]) -> None:
    """Plot all models that were measured on the FER2013 test split and have an inference file."""
    st.caption(
        "Up and to the left is better. Times are for one face on one thread of this machine; other "
        "machines differ. The larger the dot, the larger the file."
    )
    points = {}
    for board in boards:
        if board.comparable:
            fast = speed.milliseconds(board.models)
            measured = [(m, m.figures("test", board.truth), fast[m.name]) for m in board.models]
            points[board.key] = [
                (m, test, ms) for m, test, ms in measured if test and ms is not None and m.bytes
            ]
    if all(points.get(key) for key in _NAMES):
        st.caption(
            "Dots and diamonds are measured against different truths: compare only dots with dots, and "
            "diamonds with diamonds."
        )
    if not any(points.values()):
        st.info(
            "No model with an inference file has been measured on the test split yet.",
            icon=":material/scatter_plot:",
        )
        return
    st.plotly_chart(
        _figure(points),
        config=charts.CONFIG,
        key="models_speed",
        alt="Accuracy against milliseconds for one image",
    )


def _figure(points: dict[str, list[tuple[Model, Figures, float]]]) -> go.Figure:
    everything = [point for group in points.values() for point in group]
    largest = max(m.bytes or 0 for m, _, _ in everything)
    ink = "#E8EAF3" if charts.is_dark() else "#1B2032"  # an interval inside its dot must still be visible
    figure = go.Figure()
    for key, group in points.items():
        if not group:
            continue
        colour = charts.truth_colours()[key]
        reach = [test.interval or (test.accuracy, test.accuracy) for _, test, _ in group]
        figure.add_scatter(
            x=[ms for _, _, ms in group],
            y=[test.accuracy for _, test, _ in group],
            name=_NAMES[key],
            mode="markers+text" if len(everything) <= _NAMED_AT_MOST else "markers",
            text=[html.escape(shorten(m.name, 18)) for m, _, _ in group],
            textposition="middle right",
            cliponaxis=False,
            marker={
                "size": [m.bytes for m, _, _ in group],
                "sizemode": "area",
                "sizeref": largest / _LARGEST**2,
                "sizemin": 5,
                "color": colour,
                "opacity": 0.75,
                "symbol": "circle" if key == "labels" else "diamond",
            },
            error_y={
                "type": "data",
                "symmetric": False,
                "color": ink,
                "thickness": 1.5,
                "width": 4,
                "array": [high - test.accuracy for (_, high), (_, test, _) in zip(reach, group, strict=True)],
                "arrayminus": [
                    test.accuracy - low for (low, _), (_, test, _) in zip(reach, group, strict=True)
                ],
            },
            hovertext=[_hover(*point) for point in group],
            hoverinfo="text",
        )
    ends = [end for _, test, _ in everything for end in (test.accuracy, *(test.interval or ()))]
    times = [ms for _, _, ms in everything]
    wide = max(times) > 8 * min(times)
    figure.update_layout(
        height=430,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        dragmode=False,
        hoverlabel={"align": "left"},
        xaxis={
            "title": "milliseconds for one image",
            "type": "log" if wide else "linear",
            "fixedrange": True,
            **(_LOG_TICKS if wide else {"range": [0, 1.35 * max(times)]}),
        },
        yaxis={
            "title": "test accuracy",
            "tickformat": ".0%",
            "fixedrange": True,
            "range": accuracy_range(ends),
        },
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "constant"},
    )
    return figure


def _hover(model: Model, test: Figures, milliseconds: float) -> str:
    lines = [
        f"<b>{html.escape(model.name)}</b>",
        f"test {percent(test.accuracy, test.interval)}",
        f"{milliseconds:.2f} ms for one image",
    ]
    if model.bytes:
        lines.append(f"{model.bytes / 1e6:.2f} MB")
    if model.parameters is not None:
        lines.append(f"{model.parameters:,} parameters")
    if model.multiply_adds is not None:
        lines.append(f"{model.multiply_adds / 1e6:,.1f} M multiply-adds")
    if test.macro_f1 is not None:
        lines.append(f"macro F1 {test.macro_f1:.3f}")
    if test.calibration_error is not None:
        lines.append(f"calibration error {test.calibration_error:.1%}")
    return "<br>".join(lines)
