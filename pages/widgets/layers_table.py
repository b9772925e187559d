"""The architecture of a model, layer by layer, from its card."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from fer_core.bundle import views_inside
from fer_core.card_values import number, parts

from .model_figures import Model


def show(model: Model) -> None:
    """The table of layers with shapes, parameters and multiply-adds, and what they come to."""
    rows = layers(model.bundle.card)
    if not rows:
        st.info(
            "This model was written by an older version, whose card does not list its layers.",
            icon=":material/history:",
        )
        return
    networks = list(dict.fromkeys(row["Network"] for row in rows if row["Network"]))
    if len(networks) > 1:
        network = st.segmented_control(
            "Network of the ensemble",
            networks,
            default=networks[0],
            required=True,
            key=f"models_network_{model.name}",
        )
        rows = [row for row in rows if row["Network"] == network]
    st.markdown(totals(rows) + _views(model, rows))
    table(rows, "models", f"Layers of {model.name}")


def table(rows: list[dict[str, Any]], prefix: str, alt: str) -> None:
    """The rows that `layers` gives.

    Args:
        prefix: of the widgets' keys.
        alt: what the table shows, for screen readers.
    """
    learned = st.toggle("Only layers with parameters", key=f"{prefix}_learned")
    frame = pd.DataFrame([row for row in rows if row["Parameters"] or not learned]).drop(columns="Network")
    frame = frame.astype({"Parameters": "Float64", "Multiply-adds": "Float64"})
    work = frame["Multiply-adds"]
    frame["Share of the work"] = work / work.sum() if work.sum() else None
    config = {
        "Layer": st.column_config.TextColumn(pinned=True),
        "Output": st.column_config.TextColumn(
            help="Height x width x channels of what comes out, for one image."
        ),
        "Parameters": st.column_config.NumberColumn(format="localized"),
        "Multiply-adds": st.column_config.NumberColumn(
            format="localized", help="For one image; only convolutions and dense layers count."
        ),
        "Share of the work": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    }
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        placeholder="-",
        height=560 if len(frame) > 15 else "auto",
        key=f"{prefix}_layers",
        alt=alt,
    )


def layers(card: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each layer that the card lists. The layers of an ensemble say which network they belong to."""
    rows = []
    for layer in parts(card, "layers"):
        network, _, name = str(layer.get("name", "-")).rpartition("/")
        shape = layer.get("output")
        rows.append(
            {
                "Network": network,
                "Layer": name,
                "Type": str(layer.get("type", "-")),
                "Output": " x ".join(map(str, shape)) if isinstance(shape, list) and shape else "-",
                "Parameters": number(layer.get("parameters")),
                "Multiply-adds": number(layer.get("multiply_adds")),
            }
        )
    return rows


def totals(rows: list[dict[str, Any]]) -> str:
    """What the rows that `layers` gives come to, as Markdown."""
    parameters = sum(row["Parameters"] or 0 for row in rows)
    work = sum(row["Multiply-adds"] or 0 for row in rows)
    return f"**{len(rows)} layers**, **{parameters:,.0f} parameters**, **{work:,.0f} multiply-adds** for one image."


def _views(model: Model, rows: list[dict[str, Any]]) -> str:
    views = views_inside(model.bundle.card)
    work = sum(row["Multiply-adds"] or 0 for row in rows)
    return (
        f" {views} views of each image go through, which makes it {views * work:,.0f}." if views > 1 else ""
    )
