"""Cards that lead to the other pages."""

from __future__ import annotations

import streamlit as st

from pages.session import data_source, source_link
from pages.session.foreign_text import plain

_DATA_LINKS = 3  # names of data sets that are shown
_CARD_WIDTH = 165  # pixels: all fit side by side in a window of 1,400, two on a phone
# page, title, icon, and what it offers
_CARDS = (
    (
        "pages/dataset.py",
        "Dataset",
        ":material/grid_view:",
        "Browse thousands of faces by class and split: embedded data, FER2013 or your own.",
    ),
    (
        "pages/train.py",
        "Train",
        ":material/model_training:",
        "Pick a network, start training and watch it learn. Check what READMEs claim.",
    ),
    (
        "pages/evaluate.py",
        "Evaluate",
        ":material/fact_check:",
        "Click a cell of the confusion matrix to see its faces.",
    ),
    (
        "pages/models.py",
        "Models",
        ":material/deployed_code:",
        "Every model with its figures and their intervals, its card, its layers and its files.",
    ),
    (
        "pages/predict.py",
        "Predict",
        ":material/photo_camera:",
        "Many photos at once, or a snapshot from your camera.",
    ),
)


def show() -> None:
    """Draw a card for each page, and lead to what lies in the data folder until data were chosen."""
    if not data_source.is_chosen():
        _show_data_folder()
    st.subheader("Go further")
    with st.container(horizontal=True):
        for page, title, icon, text in _CARDS:
            with st.container(border=True, width=_CARD_WIDTH, height="stretch"):
                st.page_link(page, label=f"**{plain(title)}**", icon=icon)
                st.caption(plain(text))
    st.page_link(
        "pages/train.py",
        label="**Repeat the README**: take a published network from its claim to a measurement",
        icon=":material/school:",
        query_params={"train_view": "Repeat the README"},
    )
    st.page_link(
        "pages/train.py",
        label="**Your faces**: hold a button, make a face, and a model learns it in a second",
        icon=":material/familiar_face_and_zone:",
        query_params={"train_view": "Your faces"},
    )


def _show_data_folder() -> None:
    """Lead to the data sets of the data folder, FER2013 first."""
    names, fer2013 = source_link.listed(), data_source.fer2013()
    first = [fer2013.name] if fer2013 is not None else []
    for name in [*first, *(name for name in names if name not in first)][:_DATA_LINKS]:
        st.page_link(
            "pages/dataset.py",
            label=f"**{plain(name)}** is in the data folder: look at it",
            icon=":material/database:",
            query_params={source_link.PARAMETER: name},
        )
    if (more := len(names) - _DATA_LINKS) > 0:
        st.page_link(
            "pages/dataset.py",
            label=f"{more:,} more in the data folder: choose on the Dataset page",
            icon=":material/database:",
        )
