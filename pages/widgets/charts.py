"""Plotly figures of more than one page. A class has the same colour in all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.emotions import COLOURS

TRAIN, VALIDATION = "#0072B2", "#E69F00"
CONFIG = {"displaylogo": False, "displayModeBar": False}


def is_dark() -> bool:
    return st.context.theme.type == "dark"


def class_balance(counts: dict[str, dict[str, int]], as_share: bool) -> go.Figure:
    """Bars of the images per class, one panel of bars for each split."""
    figure = go.Figure()
    splits = list(counts)
    names = [*COLOURS, "unlabelled"]
    for name in names:
        values = [counts[s].get(name, 0) for s in splits]
        if not any(values):
            continue
        totals = [max(1, sum(counts[s].values())) for s in splits]
        heights = [v / t for v, t in zip(values, totals, strict=True)] if as_share else values
        figure.add_bar(
            x=splits,
            y=heights,
            name=name,
            marker_color=COLOURS.get(name, "#8C8C8C"),
            customdata=np.stack([values, totals], 1),
            hovertemplate=f"{name}, %{{x}}: %{{customdata[0]:,}} of %{{customdata[1]:,}}<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        height=330,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        yaxis={
            "title": "share of the split" if as_share else "images",
            "tickformat": ".0%" if as_share else ",d",
        },
        legend={"orientation": "h", "y": -0.15},
    )
    return figure


def confusion_matrix(
    matrix: np.ndarray, labels: tuple[str, ...], by_row: bool, selected: tuple[int, int] | None
) -> go.Figure:
    """A confusion matrix whose cells can be clicked."""
    return label_matrix(matrix, labels, labels, by_row, selected, ("true", "predicted"))


def label_matrix(
    matrix: np.ndarray,
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    by_row: bool,
    selected: tuple[int, int] | None,
    titles: tuple[str, str],
) -> go.Figure:
    """Counts of row against column, as a matrix whose cells can be clicked.

    Plotly reports no clicks on a heat map, so invisible square markers lie on the cells; `customdata` of a marker is
    (row, column).

    Args:
        titles: what the rows and what the columns are.
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
            f"{titles[0]} {rows[r]}, {titles[1]} {columns[c]}: {matrix[r, c]:,} ({shares[r, c]:.1%} of {rows[r]})"
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
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
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


def clicked_cell(event: Any) -> tuple[int, int] | None:
    """The (row, column) that a click on a matrix selected."""
    points = (event or {}).get("selection", {}).get("points", [])
    if not points or "customdata" not in points[0]:
        return None
    row, column = points[0]["customdata"][:2]
    return int(row), int(column)


def class_table(per_class: dict[str, Any]) -> None:
    """Precision, recall, F1 and support by class."""
    frame = pd.DataFrame([{"class": name, **vars(f)} for name, f in per_class.items()])
    share = {
        name: st.column_config.ProgressColumn(label, format="percent", min_value=0, max_value=1)
        for name, label in (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))
    }
    config = share | {
        "class": "Class",
        "support": st.column_config.NumberColumn("Images", format="localized"),
    }
    st.dataframe(frame, hide_index=True, column_config=config)
