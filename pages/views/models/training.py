"""How a model learned, from its card alone: accuracy by epoch, and what each step after training changed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.card_values import number, part, parts

from . import charts
from .interval_chart import percent
from .model_figures import Model

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C")


def show(model: Model) -> None:
    """The curves and the table of steps; a sentence for what the card does not hold."""
    card = model.bundle.card
    members = parts(card, "members")
    st.markdown("##### Accuracy by epoch")
    curves = (
        {_name(member, i): _rows(member) for i, member in enumerate(members)}
        if members
        else {"": _rows(card)}
    )
    if not any(curves.values()):
        st.info("This card holds no history of its training.", icon=":material/info:")
    else:
        figure = _figure_of_members(curves) if members else _figure(curves[""])
        st.plotly_chart(figure, config=charts.CONFIG, key="models_curves", alt="Accuracy by epoch")
        if note := part(card, "training").get("note"):
            st.caption(str(note))
        if not members and any(part(part(card, "config"), "augment").values()):
            st.caption(
                "Training accuracy is of the changed (turned, shifted, erased ...) images, so it may lie below validation."
            )
    if members:
        _table_of_members(members)
    st.markdown("##### What each step changed")
    _steps(model)


def _rows(card: Any) -> list[dict[str, float]]:
    """The epochs of a card with a validation accuracy."""
    rows = parts(part(card, "training"), "history")
    return [
        row
        for row in rows
        if number(row.get("epoch")) is not None and number(row.get("val_accuracy")) is not None
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
            y=[number(row.get(column)) for row in rows],
            name=name,
            mode=mode,
            line_color=colour,
            hovertemplate=f"{name}, {hover}<extra></extra>",
        )
    kept = next((row for row in reversed(rows) if row.get("best")), None)
    if kept:
        figure.add_scatter(
            x=[kept["epoch"]],
            y=[kept["val_accuracy"]],
            name="kept",
            mode="markers",
            hovertemplate=f"kept, {hover}<extra></extra>",
            marker={
                "size": 14,
                "symbol": "star",
                "color": charts.VALIDATION,
                "line": {"width": 1, "color": "#00000088"},
            },
        )
    return _laid_out(figure, len(rows))


def _figure_of_members(curves: dict[str, list[dict[str, float]]]) -> go.Figure:
    figure = go.Figure()
    for i, (name, rows) in enumerate(curves.items()):
        figure.add_scatter(
            x=[row["epoch"] for row in rows],
            y=[row["val_accuracy"] for row in rows],
            name=name,
            mode="lines",
            line_color=_COLOURS[i % len(_COLOURS)],
            hovertemplate="epoch %{x}: %{y:.1%} on validation",
        )
    return _laid_out(figure, max(map(len, curves.values())))


def _laid_out(figure: go.Figure, epochs: int) -> go.Figure:
    return figure.update_layout(
        height=340,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
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
        accuracy = number(member.get("validation_accuracy"))
        rows.append(
            {
                "Network": _name(member, i),
                "Preset": member.get("preset"),
                "Seed": number(member.get("seed")),
                "Epochs": number(part(member, "training").get("epochs")),
                "Validation": None if accuracy is None else 100 * accuracy,
            }
        )
    frame = pd.DataFrame(rows).astype(
        {"Seed": "Float64", "Epochs": "Float64", "Validation": "Float64", "Preset": "string"}
    )
    config = {
        "Validation": st.column_config.NumberColumn(
            format="%.1f %%", help="Of this network alone, on the validation split."
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
            "This model was written by an older version, which did not record its steps.",
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
        "All on validation, where each step was settled. A calibration error is how far confidence is from accuracy: the lower, the better."
    )


def step_rows(model: Model) -> list[dict[str, str]]:
    """What was done after training: the figure before and after each step, "-" where it is not known."""
    card = model.bundle.card
    steps, final = part(card, "steps"), model.measured("validation", model.truth)
    one_view, full_size = (
        number(steps.get("accuracy_one_view")),
        number(steps.get("accuracy_before_quantisation")),
    )
    uncalibrated, temperature = (
        number(steps.get("calibration_error_before_temperature")),
        number(card.get("temperature")),
    )
    rows = []

    def row(step: str, figure: str, before: float | None, after: float | None) -> None:
        change = "-" if before is None or after is None else f"{100 * (after - before):+.2f} points"
        rows.append(
            {"Step": step, "Figure": figure, "Before": _two(before), "After": _two(after), "Change": change}
        )

    if one_view is not None:
        row("Average over several views", "accuracy", one_view, full_size)
    if full_size is not None and card.get("quantisation") not in (None, "none"):
        row(
            f"Smaller numbers in the file ({card['quantisation']})",
            "accuracy",
            full_size,
            final.accuracy if final else None,
        )
    if uncalibrated is not None:
        name = "Calibration" if temperature is None else f"Calibration (temperature {temperature:.2f})"
        row(name, "calibration error", uncalibrated, final.calibration_error if final else None)
    return rows


def _two(share: float | None) -> str:
    return percent(None) if share is None else f"{100 * share:.2f} %"
