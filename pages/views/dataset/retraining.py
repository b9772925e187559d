"""Effect of retraining on a cleaned variant, by class: two models on the same validation images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.bundles.bundle import read_bundle
from fer_core.emotions import COLOURS
from fer_core.evaluation.scoring import Scored
from fer_core.metrics.classification import confusion
from pages.session import evaluations
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts

from . import model_answers
from .dataset_view import DatasetView

_RESAMPLES = 1000


def show(dataset: DatasetView) -> None:
    """Draw the section."""
    st.subheader("Effect of retraining, by class")
    names = model_answers.by_name()
    if len(names) < 2 or "validation" not in dataset.data.split_names():
        st.caption("This needs a validation split and two models, one trained before and one after cleaning.")
        return
    st.caption(
        "Train with the same settings on the original and on the variant, then choose the two models. Both "
        "are measured on validation."
    )
    for key, suggested in zip(("dataset_before", "dataset_after"), _suggested(dataset, names), strict=True):
        if suggested is not None and st.session_state.get(key, st.query_params.get(key)) is None:
            st.session_state[key] = suggested
    left, right = st.columns(2)
    before = left.selectbox(
        "Before",
        list(names),
        index=None,
        key="dataset_before",
        bind="query-params",
        placeholder="Choose a model",
    )
    after = right.selectbox(
        "After",
        list(names),
        index=None,
        key="dataset_after",
        bind="query-params",
        placeholder="Choose a model",
    )
    if before is None or after is None:
        return
    if before == after:
        st.caption("These are the same model.")
        return
    figure = st.segmented_control(
        "Figure",
        ["Recall", "F1"],
        default="Recall",
        required=True,
        key="dataset_effect",
        label_visibility="collapsed",
    )
    with errors_shown(stop=False):
        one, other = (
            evaluations.scored(read_bundle(Path(names[name])), dataset.data, "validation", "none")
            for name in (before, after)
        )
        labels = dataset.data.label_names
        change, low, high = by_class(one, other, len(labels), figure == "F1")
        st.plotly_chart(
            _chart(labels, change, low, high, figure),
            config=charts.CONFIG,
            key="dataset_effect_chart",
            alt=f"Change of {figure} by class: "
            + ", ".join(f"{n} {100 * c:+.1f} points" for n, c in zip(labels, change, strict=True)),
        )
        clear = [
            f"{name} {100 * c:+.1f} points"
            for name, c, a, b in zip(labels, change, low, high, strict=True)
            if a > 0 or b < 0
        ]
        total, low_total, high_total = accuracy_change(one, other)
        st.markdown(
            f"On {one.evaluation.count:,} validation images, accuracy changes from "
            f"{one.evaluation.accuracy:.1%} to {other.evaluation.accuracy:.1%}: "
            f"**{100 * total:+.1f} points** (95% interval {100 * low_total:+.1f} to "
            f"{100 * high_total:+.1f}). "
            + (
                f"Beyond chance: {plain(', '.join(clear))}."
                if clear
                else "The change is within chance for every class: all 95% intervals include zero."
            )
        )


def _suggested(dataset: DatasetView, names: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the newest models that were trained on the original and on this variant."""
    if dataset.data.variant_of is None:
        return None, None
    trained_on: dict[str | None, str] = {}
    for name, path in names.items():
        trained_on.setdefault(read_bundle(Path(path)).card.get("data", {}).get("fingerprint"), name)
    return trained_on.get(dataset.data.variant_of), trained_on.get(dataset.data.fingerprint)


def accuracy_change(one: Scored, other: Scored) -> tuple[float, float, float]:
    """Return the change of the accuracy from `one` to `other`, and the ends of its 95% interval.

    The interval is that of `by_class`, by a paired bootstrap over the images.
    """
    gained = (other.probabilities.argmax(axis=1) == one.true).astype(np.float64) - (
        one.probabilities.argmax(axis=1) == one.true
    )
    rng = np.random.default_rng(0)
    drawn = [gained[rng.integers(0, len(gained), len(gained))].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(gained.mean()), float(low), float(high)


def by_class(one: Scored, other: Scored, classes: int, f1: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the changes (C,) of recall or F1 from `one` to `other`, and the ends of their 95% intervals.

    The intervals come from a paired bootstrap over the images (Efron 1979): both models are measured on the
    same images each time. Classes without images have 0.
    """
    true = one.true
    answers = [scored.probabilities.argmax(axis=1) for scored in (one, other)]
    change = np.subtract(*[_figures(confusion(true, answer, classes), f1) for answer in answers[::-1]])
    rng = np.random.default_rng(0)
    drawn = np.empty((_RESAMPLES, classes))
    for i in range(_RESAMPLES):
        some = rng.integers(0, len(true), len(true))
        before, after = (_figures(confusion(true[some], answer[some], classes), f1) for answer in answers)
        drawn[i] = after - before
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return change, low, high


def _figures(matrix: np.ndarray, f1: bool) -> np.ndarray:
    """Return recall or F1 of each class (C,)."""
    hits, support, chosen = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return 2 * hits / np.maximum(support + chosen, 1) if f1 else hits / np.maximum(support, 1)


def _chart(
    labels: tuple[str, ...], change: np.ndarray, low: np.ndarray, high: np.ndarray, what: str
) -> go.Figure:
    points, ends = 100 * change, (100 * low, 100 * high)
    figure = go.Figure(
        go.Scatter(
            x=points,
            y=list(labels),
            mode="markers",
            marker={"size": 11, "color": [COLOURS[name] for name in labels]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": ends[1] - points,
                "arrayminus": points - ends[0],
                "thickness": 1.5,
                "color": "#E8EAF3" if charts.is_dark() else "#1B2032",
            },
            customdata=np.stack(ends, axis=1),
            hovertemplate="%{y}: %{x:+.1f} points (%{customdata[0]:+.1f} to "
            "%{customdata[1]:+.1f})<extra></extra>",
        )
    )
    figure.add_vline(0, line={"color": "#8C8C8C", "width": 1, "dash": "dash"})
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        dragmode=False,
        xaxis={"title": f"change of {what} in points, with 95% interval", "fixedrange": True},
        yaxis={"fixedrange": True, "autorange": "reversed"},
    )
    return figure
