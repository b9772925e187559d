"""The training of a model, from its card: accuracy by epoch, and the effect of each step after training."""

from __future__ import annotations

import html
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.bundles.card_values import as_dict, as_dicts, as_float
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.interval_chart import percent

from .catalog import Model

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C")


def show(model: Model) -> None:
    """Draw the curves and the table of steps, or a note where the card has none."""
    card = model.bundle.card
    members = as_dicts(card, "members")
    st.markdown("##### Accuracy by epoch")
    curves = (
        {_name(member, i): _rows(member) for i, member in enumerate(members)}
        if members
        else {"": _rows(card)}
    )
    if not any(curves.values()):
        st.info("This card has no training history.", icon=":material/info:")
    else:
        figure = _figure_of_members(curves) if members else _figure(curves[""])
        st.plotly_chart(figure, config=charts.CONFIG, key="models_curves", alt="Accuracy by epoch")
        if note := as_dict(card, "training").get("note"):
            st.caption(plain(note))
        if not members and any(as_dict(as_dict(card, "config"), "augment").values()):
            st.caption(
                "Training accuracy is measured on augmented images, so it may be below validation accuracy."
            )
    if members:
        _table_of_members(members)
    st.markdown("##### Steps after training")
    _steps(model)


def _rows(card: Any) -> list[dict[str, float]]:
    """Return the epochs of a card that have a validation accuracy."""
    rows = as_dicts(as_dict(card, "training"), "history")
    return [
        row
        for row in rows
        if as_float(row.get("epoch")) is not None and as_float(row.get("val_accuracy")) is not None
    ]


def _name(member: dict[str, Any], position: int) -> str:
    return f"{position + 1}: {member.get('name') or 'network'}"


def _figure(rows: list[dict[str, float]]) -> go.Figure:
    figure = go.Figure()
    epochs = [row["epoch"] for row in rows]
    mode = "lines+markers" if len(rows) <= 30 else "lines"
    hover = "epoch %{x}: %{y:.1%}"
    for column, name, colour in (
        ("accuracy", "train", charts.TRAIN),
        ("val_accuracy", "validation", charts.VALIDATION),
    ):
        figure.add_scatter(
            x=epochs,
            y=[as_float(row.get(column)) for row in rows],
            name=name,
            mode=mode,
            line_color=colour,
            hovertemplate=f"{name}, {hover}<extra></extra>",
        )
    best = next((row for row in reversed(rows) if row.get("best")), None)
    if best:
        figure.add_scatter(
            x=[best["epoch"]],
            y=[best["val_accuracy"]],
            name="best epoch",
            mode="markers",
            hovertemplate=f"best epoch, {hover}<extra></extra>",
            marker={
                "size": 14,
                "symbol": "star",
                "color": charts.VALIDATION,
                "line": {"width": 1, "color": "#00000088"},
            },
        )
    return _with_layout(figure, len(rows))


def _figure_of_members(curves: dict[str, list[dict[str, float]]]) -> go.Figure:
    figure = go.Figure()
    for i, (name, rows) in enumerate(curves.items()):
        figure.add_scatter(
            x=[row["epoch"] for row in rows],
            y=[row["val_accuracy"] for row in rows],
            name=html.escape(name),
            mode="lines",
            line_color=_COLOURS[i % len(_COLOURS)],
            hovertemplate="epoch %{x}: %{y:.1%} on validation",
        )
    return _with_layout(figure, max(map(len, curves.values())))


def _with_layout(figure: go.Figure, epochs: int) -> go.Figure:
    return figure.update_layout(
        height=340,
        margin={"l": 42, "r": 10, "t": 44, "b": 66},
        dragmode=False,
        xaxis={
            "title": "epoch",
            "fixedrange": True,
            "dtick": 1 if epochs <= 12 else None,
            "rangemode": "tozero",
        },
        yaxis={"tickformat": ".0%", "fixedrange": True},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )


def _table_of_members(members: list[dict[str, Any]]) -> None:
    rows = []
    for i, member in enumerate(members):
        accuracy = as_float(member.get("validation_accuracy"))
        rows.append(
            {
                "Network": _name(member, i),
                "Preset": member.get("preset"),
                "Seed": as_float(member.get("seed")),
                "Epochs": as_float(as_dict(member, "training").get("epochs")),
                "Validation": None if accuracy is None else 100 * accuracy,
            }
        )
    frame = pd.DataFrame(rows).astype(
        {"Seed": "Float64", "Epochs": "Float64", "Validation": "Float64", "Preset": "string"}
    )
    config = {
        "Validation": st.column_config.NumberColumn(
            format="%.1f%%", help="Of this network alone, on the validation split."
        )
    }
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        placeholder="-",
        key="models_members",
        alt="The networks of the ensemble",
    )


def _steps(model: Model) -> None:
    rows = step_rows(model)
    if not rows:
        st.info(
            "The card of this model was written by an older version, which did not record the steps.",
            icon=":material/history:",
        )
        return
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="-",
        key="models_steps",
        alt="Figures before and after each step",
    )
    st.caption(
        "Measured on the validation split, on which each step was chosen. The calibration error is the "
        "mean gap between confidence and accuracy: the lower, the better."
    )


def step_rows(model: Model) -> list[dict[str, str]]:
    """Return the figures before and after each step, "-" where a figure is not recorded."""
    card = model.bundle.card
    steps, final = as_dict(card, "steps"), model.figures("validation", model.truth)
    one_view, full_size = (
        as_float(steps.get("accuracy_one_view")),
        as_float(steps.get("accuracy_before_quantisation")),
    )
    uncalibrated, temperature = (
        as_float(steps.get("calibration_error_before_temperature")),
        as_float(card.get("temperature")),
    )
    rows = []

    def row(step: str, figure: str, before: float | None, after: float | None) -> None:
        change = "-" if before is None or after is None else f"{100 * (after - before):+.2f} points"
        rows.append(
            {"Step": step, "Figure": figure, "Before": _two(before), "After": _two(after), "Change": change}
        )

    if one_view is not None:
        row("Averaging over several views", "accuracy", one_view, full_size)
    if full_size is not None and card.get("quantisation") not in (None, "none"):
        row(
            f"Quantisation ({card['quantisation']})",
            "accuracy",
            full_size,
            final.accuracy if final else None,
        )
    if uncalibrated is not None:
        name = "Calibration" if temperature is None else f"Calibration (temperature {temperature:.2f})"
        row(name, "calibration error", uncalibrated, final.calibration_error if final else None)
    return rows


def _two(share: float | None) -> str:
    return percent(None) if share is None else f"{100 * share:.2f}%"
