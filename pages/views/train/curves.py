"""Plotly figures of training: learning curves of one or many runs, and parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.config import RunConfig
from pages.widgets.charts import TRAIN, VALIDATION

# Plotly's 24 colours for light and dark backgrounds, enough for twenty runs.
MANY = (
    "#2E91E5",
    "#E15F99",
    "#1CA71C",
    "#FB0D0D",
    "#DA16FF",
    "#B68100",
    "#750D86",
    "#EB663B",
    "#511CFB",
    "#00A08B",
    "#FB00D1",
    "#FC0080",
    "#B2828D",
    "#6C7C32",
    "#778AAE",
    "#862A16",
    "#A777F1",
    "#620042",
    "#1616A7",
    "#DA60CA",
    "#6C4516",
    "#0D2A63",
    "#AF0038",
    "#222A2A",
)
_BATCHES = "#56B4E9"  # a lighter TRAIN, visible on both backgrounds
_POINTS = 600
_SCALE = ((0.0, "#4C8CB5"), (0.5, "#9A9A9A"), (1.0, "#E69F00"))  # visible on both backgrounds, unlike Viridis


def smoothed(values: Sequence[float] | np.ndarray, weight: float) -> np.ndarray:
    """Return the moving average of TensorBoard: momentum `weight`, corrected for the bias at the start."""
    out, sum_, factor = [], 0.0, 0.0
    for value in np.asarray(values, float).tolist():
        sum_ = weight * sum_ + (1 - weight) * value
        factor = weight * factor + (1 - weight)
        out.append(sum_ / factor)
    return np.array(out)


def _line(
    x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, name: str, colour: str, **more: Any
) -> dict[str, Any]:
    """Return a trace as a dict with NumPy arrays: ten times as fast as `add_scatter` with lists."""
    line = {"color": colour, "width": more.pop("width", 2)}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.asarray(x, np.float32),
        "y": np.asarray(y, np.float32),
        "name": name,
        "line": line,
    } | more


def learning_curves(
    history: list[dict[str, float]], batches: np.ndarray, metric: str, smoothing: float
) -> go.Figure:
    """Draw loss or accuracy on train and validation by epoch, and of the last batches.

    Args:
        history: Rows of `RunFolder.history`.
        batches: (n, 5) rows of `read_batches`.
        metric: "loss" or "accuracy".
        smoothing: Weight of the moving average; 0 turns it off.
    """
    lines = []
    epochs = [row["epoch"] for row in history]
    if len(batches):
        # Single batches are noisy, so their line is always smoothed a little.
        line = smoothed(batches[:, 1 if metric == "loss" else 2], max(0.9, smoothing))
        thin = slice(None, None, max(1, len(batches) // _POINTS))
        lines.append(
            _line(
                batches[thin, 0],
                line[thin],
                "batches",
                _BATCHES,
                width=1,
                opacity=0.8,
                hovertemplate="%{x:.2f}: %{y:.4g}<extra>batches</extra>",
            )
        )
    for key, name, colour in ((metric, "train", TRAIN), (f"val_{metric}", "validation", VALIDATION)):
        values: Sequence[float] | np.ndarray = [row[key] for row in history]
        if smoothing and history:
            lines.append(
                _line(epochs, values, name, colour, width=1, opacity=0.3, showlegend=False, hoverinfo="skip")
            )
            values = smoothed(values, smoothing)
        lines.append(
            _line(epochs, values, name, colour, mode="lines+markers" if len(epochs) <= 60 else "lines")
        )
    best = next((row for row in reversed(history) if row["best"]), None)
    if best and metric == "accuracy":
        marker = {
            "size": 13,
            "symbol": "star",
            "color": VALIDATION,
            "line": {"width": 1, "color": "#00000088"},
        }
        lines.append(
            _line([best["epoch"]], [best["val_accuracy"]], "best", VALIDATION, mode="markers", marker=marker)
        )
    return go.Figure(lines, _layout(metric, len(history), height=260))


def _layout(title: str, epochs: int, **more: Any) -> dict[str, Any]:
    accuracy = "accuracy" in title.lower()
    return {
        "height": 320,
        "margin": {"l": 10, "r": 10, "t": 36, "b": 10},
        "title": {"text": title.capitalize(), "font": {"size": 15}},
        "xaxis": {"title": {"text": "epoch"}, "rangemode": "tozero", "dtick": 1 if epochs <= 12 else None},
        "yaxis": {"tickformat": ".0%" if accuracy else None, "hoverformat": ".1%" if accuracy else ".4g"},
        "legend": {"orientation": "h", "y": -0.3, "x": 0},
        "uirevision": "kept",  # zooming survives the next redraw
    } | more


def small_curve(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, title: str) -> go.Figure:
    """Draw one quantity by epoch, such as the learning rate."""
    layout = {
        "height": 170,
        "margin": {"l": 10, "r": 10, "t": 32, "b": 10},
        "title": {"text": title, "font": {"size": 13}},
        "xaxis": {"title": {"text": "epoch"}, "rangemode": "tozero"},
        "yaxis": {"rangemode": "tozero", "tickformat": ".6~g"},
        "uirevision": "kept",
    }
    return go.Figure([_line(x, y, title, TRAIN, showlegend=False)], layout)


def overlay(
    runs: dict[str, list[dict[str, float]]], column: str, title: str, smoothing: float, legend: bool = False
) -> go.Figure:
    """Draw one column of the history of many runs in the colours MANY; a legend may fill a phone."""
    lines = []
    for i, (name, history) in enumerate(runs.items()):
        values: Sequence[float] | np.ndarray = [row[column] for row in history]
        values = smoothed(values, smoothing) if smoothing else values
        lines.append(_line([row["epoch"] for row in history], values, name, MANY[i % len(MANY)], width=1.5))
    longest = max((len(history) for history in runs.values()), default=0)
    return go.Figure(lines, _layout(title, longest, showlegend=legend, hovermode="closest"))


def _short(paths: list[str]) -> dict[str, str]:
    """Return the names of settings without their section, where they stay unique."""
    last = [path.rpartition(".")[2] for path in paths]
    return {path: name if last.count(name) == 1 else path for path, name in zip(paths, last, strict=True)}


def parallel_coordinates(configs: list[RunConfig], accuracies: list[float]) -> go.Figure | None:
    """Draw an axis for each setting in which the runs differ, coloured by best validation accuracy.

    Returns:
        The figure, or None where the runs do not differ.
    """
    paths = list(
        dict.fromkeys(
            path
            for config in configs[1:]
            for path in configs[0].differences(config)
            if path not in ("train.teacher",)
        )
    )
    labels = _short(paths)
    dimensions: list[dict[str, Any]] = []
    for path in paths:
        values = [config.setting(path) for config in configs]
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            numbers = np.array(values, float)
            if numbers.min() > 0 and numbers.max() / numbers.min() >= 50:  # several orders of magnitude
                ticks = np.arange(np.floor(np.log10(numbers.min())), np.ceil(np.log10(numbers.max())) + 1)
                dimensions.append(
                    {
                        "label": labels[path],
                        "values": np.log10(numbers),
                        "tickvals": ticks,
                        "ticktext": [f"1e{t:.0f}" for t in ticks],
                    }
                )
            else:
                dimensions.append({"label": labels[path], "values": numbers})
        else:
            words = [str(v) for v in values]
            choices = sorted(set(words))
            dimensions.append(
                {
                    "label": labels[path],
                    "values": [choices.index(w) for w in words],
                    "tickvals": list(range(len(choices))),
                    "ticktext": [w if len(w) < 18 else w[:17] + "…" for w in choices],
                }
            )
    if not dimensions:
        return None
    dimensions.append({"label": "best on validation", "values": accuracies, "tickformat": ".1%"})
    line = {"color": accuracies, "colorscale": _SCALE, "showscale": False}
    figure = go.Figure(
        go.Parcoords(line=line, dimensions=dimensions, labelangle=0 if len(dimensions) <= 3 else -20)
    )
    figure.update_layout(height=400, margin={"l": 60, "r": 50, "t": 80, "b": 20})
    return figure
