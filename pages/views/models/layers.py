"""The layers of a model, from its card."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.bundles.bundle import views_inside
from pages.session.foreign_text import plain
from pages.widgets import layers_table

from .catalog import Model


def show(model: Model) -> None:
    """Draw the table of layers with shapes, parameters and multiply-adds, and their totals."""
    rows = layers_table.layers(model.bundle.card)
    if not rows:
        st.info(
            "The card of this model was written by an older version, which did not list the layers.",
            icon=":material/history:",
        )
        return
    networks = list(dict.fromkeys(row["Network"] for row in rows if row["Network"]))
    if len(networks) > 1:
        network = st.segmented_control(
            "Network of the ensemble",
            networks,
            format_func=plain,
            default=networks[0],
            required=True,
            key=f"models_network_{model.name}",
        )
        rows = [row for row in rows if row["Network"] == network]
    st.markdown(layers_table.totals(rows) + _views(model, rows))
    layers_table.table(rows, "models", f"Layers of {model.name}")


def _views(model: Model, rows: list[dict[str, Any]]) -> str:
    views = views_inside(model.bundle.card)
    work = sum(row["Multiply-adds"] or 0 for row in rows)
    return (
        f" {views:,} views of each image are classified, which makes {views * work:,.0f} multiply-adds."
        if views > 1
        else ""
    )
