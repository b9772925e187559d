"""Table of the layers of a network."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from fer_core.bundles.card_values import as_dicts, as_float


def table(rows: list[dict[str, Any]], prefix: str, alt: str) -> None:
    """Draw the table.

    Args:
        rows: Rows from `layers`.
        prefix: Prefix of the widgets' keys.
        alt: Description for screen readers.
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
    """Return a row for each layer in a card; the rows of an ensemble name their network."""
    rows = []
    for layer in as_dicts(card, "layers"):
        network, _, name = str(layer.get("name", "-")).rpartition("/")
        shape = layer.get("output")
        rows.append(
            {
                "Network": network,
                "Layer": name,
                "Type": str(layer.get("type", "-")),
                "Output": " x ".join(map(str, shape)) if isinstance(shape, list) and shape else "-",
                "Parameters": as_float(layer.get("parameters")),
                "Multiply-adds": as_float(layer.get("multiply_adds")),
            }
        )
    return rows


def totals(rows: list[dict[str, Any]]) -> str:
    """Return the number of layers, parameters and multiply-adds of the rows from `layers`, as Markdown."""
    parameters = sum(row["Parameters"] or 0 for row in rows)
    work = sum(row["Multiply-adds"] or 0 for row in rows)
    return (
        f"**{len(rows)} layers**, **{parameters:,.0f} parameters**, **{work:,.0f} multiply-adds** for one "
        "image."
    )
