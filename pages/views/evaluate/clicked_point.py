"""Points of a figure that are clicked to see their faces."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.widgets import charts

from .selection import Selection


def show(figure: go.Figure, selection: Selection, key: str, alt: str) -> list[Any] | None:
    """Draw a figure whose points can be clicked.

    Args:
        figure: Its traces carry `customdata`, one list for each point.
        selection: The evaluation; a point of another one is forgotten.
        key: Key of the figure.
        alt: Description of the figure.

    Returns:
        The `customdata` of the point that was clicked last, or None.
    """
    figure.update_layout(clickmode="event+select", dragmode=False)
    opaque = {"marker": {"opacity": 1}}
    figure.update_traces(selected=opaque, unselected=opaque, selector={"type": "scatter"})
    figure.update_traces(selected=opaque, unselected=opaque, selector={"type": "bar"})
    clicked = f"{key}_clicked"

    def remember() -> None:
        points = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
        data = points[0].get("customdata") if points else None
        st.session_state[clicked] = (selection.key, list(data)) if data else None

    st.plotly_chart(
        figure, config=charts.CONFIG, key=key, on_select=remember, selection_mode="points", alt=alt
    )
    owner, data = st.session_state.get(clicked) or (None, None)
    return data if owner == selection.key else None
