"""Faces of an evaluation, page by page; a click opens a face, or selects it for a tag."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from fer_core.quality.tags import Tags
from fer_core.wording import plural
from pages.session import data_source
from pages.session.foreign_text import plain
from pages.widgets import face_grid, tags
from pages.widgets.paging import page_of

from . import face_view
from .selection import Selection


def show(
    selection: Selection,
    order: np.ndarray,
    key: str,
    notes: Sequence[tuple[str, ...]] | None = None,
    per_page: int = 24,
) -> None:
    """Draw faces of an evaluation.

    Args:
        selection: The evaluation.
        order: (n,) positions of the faces in the record, in order.
        key: Key of the list.
        notes: Lines below each face; by default the predicted class and its confidence.
        per_page: Faces on a page.
    """
    if selection.data is None or selection.indices is None:
        images_missing(selection, len(order))
        return
    if not len(order):
        st.info("No faces.", icon=":material/filter_alt_off:")
        return
    labels, record = selection.record.labels, selection.record
    shown_indices = page_of(
        np.arange(len(order)), per_page, key, f"{selection.key} {key} {zlib.crc32(order.tobytes())}"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(shown_indices):,} of {plural(len(order), 'face')}", width="stretch")
        selecting = st.toggle(
            "Select",
            key=f"{key}_selecting",
            help="A click selects a face for a tag instead of opening it.",
        )
    place_of_tags = st.container()
    all_tags = Tags(selection.data).all()
    shown = []
    for place in shown_indices:
        position = int(order[place])
        lines = (
            notes[place]
            if notes
            else (f"→ {labels[record.predicted[position]]} {record.confidence[position]:.0%}",)
        )
        index = int(selection.indices[position])
        shown.append(
            face_grid.Face(
                index,
                selection.data.images[index],
                labels[record.true[position]],
                (*lines, tags.in_words(all_tags.get(index, ()))),
            )
        )
    chosen = face_grid.show(
        shown,
        f"{key}_grid_{tags.version()}" if selecting else f"{key}_grid",
        on_open=lambda index: face_view.open_face(selection, index, record.rows[order]),
        selecting=selecting,
    )
    if selecting:
        with place_of_tags:
            tags.for_several(selection.data, chosen, key)


def images_missing(selection: Selection, count: int) -> None:
    """Explain why the faces of an evaluation cannot be shown, and how to see them."""
    source = selection.record.source
    st.info(
        f"**{plural(count, 'face')}.** These are the figures of {plain(source)} that came with the model; to "
        "see the faces too, choose the data on the Dataset page. FER2013 is available from Kaggle "
        "(`kagglehub`, see docs/guides/data.md); its licence does not allow us to ship it.",
        icon=":material/image_not_supported:",
    )
    here = data_source.fer2013()
    if here is not None and here.name == source and str(here) != data_source.current():
        st.button(
            f"Show the faces of {plain(source)}",
            key="evaluate_use_fer2013",
            icon=":material/database:",
            on_click=data_source.choose,
            args=(str(here),),
        )
