"""Evaluate: where, how and why a model errs."""

import streamlit as st

from pages.evaluation import chosen as choice
from pages.evaluation import (
    classes,
    compare,
    downloads,
    face_view,
    headline,
    matrix,
    people,
    robustness,
    slices,
    trust,
    what_if,
)
from pages.shared import state

VIEWS = {
    "Matrix": matrix.show,
    "Classes": classes.show,
    "Trust": trust.show,
    "Compare": compare.show,
    "People": people.show,
    "Slices": slices.show,
    "What if": what_if.show,
    "Robustness": robustness.show,
}

st.title("Evaluate")

with state.errors_shown():
    chosen = choice.choose()
    if chosen is None:
        st.stop()
    headline.show(chosen)
    if "evaluate_view" not in st.session_state and st.query_params.get("evaluate_view") not in VIEWS:
        st.session_state["evaluate_view"] = "Matrix"
    view = st.segmented_control(
        "View",
        list(VIEWS),
        required=True,
        key="evaluate_view",
        bind="query-params",
        persist_state="session",
        label_visibility="collapsed",
    )
    VIEWS[view](chosen)
    face_view.show_asked(chosen)
    downloads.show(chosen)
