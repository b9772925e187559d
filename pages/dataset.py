"""Dataset: choose a source, and see what is in it and what is wrong with it."""

import streamlit as st

from pages.session import data_source, entry, source_link
from pages.session.errors import errors_shown
from pages.views.dataset import (
    copies,
    face_map,
    face_view,
    gallery,
    headline,
    label_issues,
    label_order,
    overview,
    source_choice,
    verdicts,
    votes,
)
from pages.views.dataset.dataset_view import DatasetView
from pages.widgets import views

VIEWS = {
    "Overview": overview.show,
    "Gallery": gallery.show,
    "Votes": votes.show,
    "Copies": copies.show,
    "Label issues": label_issues.show,
    "Map": face_map.show,
    "Verdicts": verdicts.show,
}

entry.run_entry_script()
st.title("Dataset")
source_link.follow()
source_choice.show()
with errors_shown():
    dataset = DatasetView(data_source.dataset())
headline.show(dataset)
label_order.show(dataset)
with errors_shown():
    order = views.show("dataset_view", VIEWS, dataset, linked=True)  # positions of the faces on the view
    gallery.unlink_page()
    face_view.show_linked(dataset, order)
