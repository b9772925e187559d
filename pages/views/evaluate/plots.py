"""Figures of the Evaluate page. A class has the same colour in all of them; legend and hover text name it."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from fer_core.emotions import COLOURS, EMOJI
from fer_core.metrics.calibration import ConfidenceBin, SelectiveAccuracy
from fer_core.metrics.curves import Curve
from pages.widgets import charts

_MARGIN = {"l": 83, "r": 14, "t": 13, "b": 67}  # see pages/widgets/charts.py
_SHARE = {"range": [-0.02, 1.02], "tickformat": ".0%", "fixedrange": True}
_GREY = "rgba(128,128,128,.6)"


def before_after() -> tuple[str, str]:
    """Return two colours with enough contrast on the current background."""
    colours = charts.truth_colours()
    return colours["votes"], colours["labels"]


def class_curves(curves: Sequence[Curve], titles: tuple[str, str], area: str, chance: bool) -> go.Figure:
    """Draw the curves of all classes in one figure, with the area in the legend.

    The `customdata` of a point is the name of its class and its threshold.

    Args:
        curves: One curve for each class.
        titles: Titles of the axes.
        area: Short name of the area.
        chance: Draw the diagonal, the chance level.
    """
    figure = go.Figure()
    if chance:
        figure.add_scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": _GREY, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    for curve in curves:
        kept = curve.to_draw(100)  # a marker for each takes the browser long
        label = html.escape(curve.label)  # Plotly draws links and formats in texts
        figure.add_scatter(
            x=curve.x[kept],
            y=curve.y[kept],
            mode="lines+markers",  # markers can be clicked
            marker={"size": 9, "color": "rgba(0,0,0,0)"},
            customdata=[[curve.label, min(1.01, float(value))] for value in curve.thresholds[kept]],
            name=f"{label} {curve.area:.3f}",
            line={"color": COLOURS.get(curve.label, "#8C8C8C"), "width": 2},
            hovertemplate=f"{label} from %{{customdata[1]:.0%}}<br>{titles[0]} %{{x:.1%}}, {titles[1]} "
            f"%{{y:.1%}}<extra></extra>",
        )
    figure.update_layout(
        height=430,
        margin=_MARGIN | {"b": 149},
        dragmode=False,
        xaxis=_SHARE | {"automargin": "height", "title": titles[0]},
        yaxis=_SHARE | {"automargin": "width", "title": titles[1]},
        legend={"orientation": "h", "y": -0.2, "title": {"text": f"{area} "}},
    )
    return figure


def reliability(bins: dict[str, tuple[list[ConfidenceBin], str]]) -> go.Figure:
    """Draw accuracy over confidence with intervals, for each named set of bins with its colour.

    The `customdata` of a point ends with the name of its set and the ends of its bin.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": _GREY, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    for name, (shown, colour) in bins.items():
        ends = [b.right.interval for b in shown]
        shares = [b.right.share for b in shown]
        figure.add_scatter(
            x=[b.confidence for b in shown],
            y=shares,
            name=name,
            mode="markers+lines",
            marker={"color": colour, "size": 9},
            line={"color": colour, "width": 1.5},
            error_y={
                "type": "data",
                "symmetric": False,
                "color": colour,
                "thickness": 1.5,
                "width": 3,
                "array": [high - share for (_, high), share in zip(ends, shares, strict=True)],
                "arrayminus": [share - low for (low, _), share in zip(ends, shares, strict=True)],
            },
            customdata=[
                [b.right.count, *end, name, b.low, b.high] for b, end in zip(shown, ends, strict=True)
            ],
            hovertemplate=f"{html.escape(name)}: %{{customdata[0]:,}} faces, %{{x:.0%}} sure, "
            "%{y:.0%} right<br>95% interval %{customdata[1]:.0%} to %{customdata[2]:.0%}<extra></extra>",
        )
    figure.update_layout(
        height=380,
        margin=_MARGIN | {"b": 95},
        dragmode=False,
        legend={"orientation": "h", "y": -0.2},
        xaxis=_SHARE | {"automargin": "height", "title": "confidence"},
        yaxis=_SHARE | {"automargin": "width", "title": "accuracy"},
    )
    return figure


def coverage(curve: Sequence[SelectiveAccuracy], at: SelectiveAccuracy) -> go.Figure:
    """Draw the accuracy of answered faces against their share, with an interval band; a dot marks `at`."""
    x, (marked, drawn) = [answers.answered.share for answers in curve], before_after()
    ends = [answers.right.interval for answers in curve]
    figure = go.Figure()
    figure.add_scatter(
        x=x, y=[high for _, high in ends], mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=False
    )
    figure.add_scatter(
        x=x,
        y=[low for low, _ in ends],
        mode="lines",
        line={"width": 0},
        fill="tonexty",
        fillcolor="rgba(0,114,178,.2)",
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=x,
        y=[answers.right.share for answers in curve],
        mode="lines",
        line={"color": drawn, "width": 2.5},
        showlegend=False,
        customdata=[[answers.threshold] for answers in curve],
        hovertemplate="unsure below %{customdata[0]:.0%}: %{x:.0%} answered, %{y:.0%} right<extra></extra>",
    )
    if at.right.count:
        figure.add_scatter(
            x=[at.answered.share],
            y=[at.right.share],
            mode="markers",
            hoverinfo="skip",
            showlegend=False,
            marker={"color": marked, "size": 14, "line": {"color": "white", "width": 2}},
        )
    lowest = min((low for (low, _), share in zip(ends, x, strict=True) if share > 0.02), default=0.0)
    figure.update_layout(
        height=380,
        margin=_MARGIN,
        dragmode=False,
        xaxis=_SHARE | {"automargin": "height", "title": "faces answered"},
        yaxis=_SHARE
        | {"automargin": "width", "title": "accuracy of these", "range": [max(-0.02, lowest - 0.05), 1.02]},
    )
    return figure


def small_matrix(counts: np.ndarray, labels: tuple[str, ...], titles: tuple[str, str]) -> go.Figure:
    """Draw a small confusion matrix with emoji as names."""
    names = [EMOJI.get(label, label) for label in labels]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    scale = [[0, "#1C2130"], [1, "#8EA4FF"]] if charts.is_dark() else [[0, "#F0F2F9"], [1, "#2B459F"]]
    hover = [
        [f"{titles[0]} {r}, {titles[1]} {c}: {counts[i, j]:,}" for j, c in enumerate(labels)]
        for i, r in enumerate(labels)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=names,
            y=names,
            text=[[str(n) if n else "" for n in row] for row in counts],
            texttemplate="%{text}",
            colorscale=scale,
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertext=hover,
            hoverinfo="text",
        )
    )
    figure.update_layout(
        height=330,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        dragmode=False,
        xaxis={"title": titles[1], "fixedrange": True, "showgrid": False},
        yaxis={"title": titles[0], "autorange": "reversed", "fixedrange": True, "showgrid": False},
    )
    return figure


def histogram(values: np.ndarray, title: str, step: float) -> go.Figure:
    """Draw a histogram of values between 0 and 1; the `customdata` of a bar are the ends of its range."""
    edges = np.arange(0, 1 + step / 2, step)
    counts = np.histogram(values, edges)[0]
    figure = go.Figure(
        go.Bar(
            x=edges[:-1] + step / 2,
            y=counts,
            width=step * 0.9,
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            marker_color=before_after()[1],
            hovertemplate="%{x:.2f}: %{y:,} images<extra></extra>",
        )
    )
    figure.update_layout(
        height=240,
        margin=_MARGIN,
        dragmode=False,
        xaxis={"title": title, "fixedrange": True, "range": [0, 1]},
        yaxis={"title": "images", "fixedrange": True},
    )
    return figure
