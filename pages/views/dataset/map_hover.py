"""The face beside the pointer on the map: a chart of Plotly's cannot show a picture for each point."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.widgets.component import component, script, stylesheet
from pages.widgets.faces import data_uri

from .dataset_view import DatasetView

_component = component(
    "fer_map_hover", html='<img class="face" alt="" hidden>', css=stylesheet(__file__), js=script(__file__)
)
_KEY = "map_hover"


def show(dataset: DatasetView, chart: str) -> None:
    """Draw what follows the pointer.

    Args:
        dataset: The data set.
        chart: Key of the chart, whose points have the positions of their faces as custom data.
    """
    # As a fragment, since each face that is pointed at is a run.
    st.fragment(_face)(dataset, chart)


def _face(dataset: DatasetView, chart: str) -> None:
    state: Any = st.session_state.get(_KEY, {})
    index = state.get("index")
    is_face = isinstance(index, int) and 0 <= index < len(dataset.data)
    _component(
        key=_KEY,
        data={
            "chart": chart,
            "index": index if is_face else -1,
            "picture": data_uri(dataset.data.images[index]) if is_face else "",
        },
        default={"index": None},
        on_index_change=lambda: None,
    )
