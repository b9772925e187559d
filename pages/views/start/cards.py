"""Cards that lead to the other pages."""

from __future__ import annotations

import streamlit as st

from pages.session import data_source, source_link
from pages.session.foreign_text import plain

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
    """Draw a card for each page, and lead to FER2013 where the data folder has it."""
    if (path := data_source.fer2013()) is not None and not data_source.is_chosen():
        st.page_link(
            "pages/dataset.py",
            label=f"**{plain(path.name)}** is in the data folder: look at it",
            icon=":material/database:",
            query_params={source_link.PARAMETER: path.name},
        )
    st.subheader("Go further")
    for column, (page, title, icon, text) in zip(st.columns(len(_CARDS)), _CARDS, strict=True):
        with column.container(border=True, height="stretch"):
            st.page_link(page, label=f"**{plain(title)}**", icon=icon)
            st.caption(plain(text))
    st.page_link(
        "pages/train.py",
        label="**Repeat the README**: take a published network from its claim to a measurement",
        icon=":material/school:",
        query_params={"train_view": "Repeat the README"},
    )
