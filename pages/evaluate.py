"""Evaluate: where, how and why a model errs."""

import streamlit as st

from pages.session import entry, source_link
from pages.session.errors import errors_shown
from pages.views.evaluate import (
    classes,
    compare,
    confusion_matrix,
    downloads,
    face_view,
    headline,
    people,
    robustness,
    selection,
    slices,
    trust,
    what_if,
)
from pages.widgets import views

VIEWS = {
    "Matrix": confusion_matrix.show,
    "Classes": classes.show,
    "Trust": trust.show,
    "Compare": compare.show,
    "People": people.show,
    "Slices": slices.show,
    "What if": what_if.show,
    "Robustness": robustness.show,
}

entry.run_entry_script()
st.title("Evaluate")
source_link.follow()
with errors_shown():
    selected = selection.choose()
    if selected is None:
        st.stop()
    headline.show(selected)
    downloads.show(selected)
    views.show("evaluate_view", VIEWS, selected, linked=True, remembered=True)
    face_view.show_linked(selected)
