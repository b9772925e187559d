"""Plotly figures and colours that several pages use. A class has the same colour in all figures.

The margins of a figure have the size that its labels usually need: Plotly draws a figure once more when it
has to widen them.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

TRAIN, VALIDATION = "#0072B2", "#E69F00"
CONFIG = {"displaylogo": False, "displayModeBar": False}


def is_dark() -> bool:
    """Return whether the dark theme is on."""
    return st.context.theme.type == "dark"


def truth_colours() -> dict[str, str]:
    """Return a colour for each kind of truth, readable on the current background."""
    if is_dark():
        return {"labels": "#56B4E9", "votes": "#E69F00", "other": "#B4B9C8", "faint": "#8C93A6"}
    return {"labels": "#0072B2", "votes": "#B45300", "other": "#5F6678", "faint": "#8C93A6"}


def label_matrix(
    matrix: np.ndarray,
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    by_row: bool,
    selected: tuple[int, int] | None,
    titles: tuple[str, str],
) -> go.Figure:
    """Draw counts of rows against columns as a matrix whose cells can be clicked.

    Plotly reports no clicks on a heat map, so invisible square markers cover the cells. The `customdata` of a
    marker is (row, column).

    Args:
        titles: Titles of the rows and of the columns.
    """
    totals = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shares = matrix / totals
    text = [
        [f"{shares[r, c]:.0%}" if by_row else f"{matrix[r, c]:,}" for c in range(len(columns))]
        for r in range(len(rows))
    ]
    scale = [[0, "#1C2130"], [1, "#8EA4FF"]] if is_dark() else [[0, "#F0F2F9"], [1, "#2B459F"]]
    dark_text, light_text = "#12151F", "#F5F7FF"
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(columns),
            y=list(rows),
            colorscale=scale,
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
        )
    )
    cells = [(r, c) for r in range(len(rows)) for c in range(len(columns))]
    figure.add_scatter(
        x=[columns[c] for _, c in cells],
        y=[rows[r] for r, _ in cells],
        mode="markers+text",
        customdata=cells,
        text=[text[r][c] for r, c in cells],
        textposition="middle center",
        textfont={
            "size": 13,
            "color": [dark_text if (shares[r, c] > 0.5) == is_dark() else light_text for r, c in cells],
        },
        marker={"symbol": "square", "size": 40, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}, "textfont": {}},
        hovertext=[
            f"{titles[0]} {rows[r]}, {titles[1]} {columns[c]}: {matrix[r, c]:,} ({shares[r, c]:.1%} of "
            f"{rows[r]})"
            for r, c in cells
        ],
        hoverinfo="text",
        showlegend=False,
    )
    if selected is not None:
        row, column = selected
        box = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
        figure.add_shape(type="rect", **box, line={"color": "#E69F00", "width": 3})
    figure.update_layout(
        height=470,
        margin={"l": 102, "r": 10, "t": 10, "b": 104},
        clickmode="event+select",
        dragmode=False,
        xaxis={
            "title": titles[1],
            "range": [-0.5, len(columns) - 0.5],
            "fixedrange": True,
            "tickangle": -35,
            "showgrid": False,
        },
        yaxis={"title": titles[0], "range": [len(rows) - 0.5, -0.5], "fixedrange": True, "showgrid": False},
    )
    return figure
