"""Faces of an evaluation, page by page; one opens large."""

from __future__ import annotations

import zlib

import numpy as np
import streamlit as st

from pages.shared import face_grid
from pages.shared.paging import page_of

from . import face_view
from .chosen import Chosen


def show(
    chosen: Chosen,
    order: np.ndarray,
    key: str,
    notes: list[tuple[str, ...]] | None = None,
    per_page: int = 24,
) -> None:
    """The faces of the record at positions `order`, in this order.

    Args:
        key: of this list on the page.
        notes: lines below each of them; by default what the model says and how sure it is.
    """
    if chosen.data is None or chosen.indices is None:
        images_missing(chosen, len(order))
        return
    if not len(order):
        st.info("There are none.", icon=":material/filter_alt_off:")
        return
    labels, record = chosen.record.labels, chosen.record
    here = page_of(np.arange(len(order)), per_page, key, f"{chosen.key} {key} {zlib.crc32(order.tobytes())}")
    st.caption(f"{len(here):,} of {len(order):,} faces")
    shown = []
    for place in here:
        position = int(order[place])
        lines = (
            notes[place]
            if notes
            else (f"→ {labels[record.predicted[position]]} {record.confidence[position]:.0%}",)
        )
        index = int(chosen.indices[position])
        shown.append(face_grid.Face(index, chosen.data.images[index], labels[record.true[position]], lines))
    face_grid.show(
        shown, f"{key}_grid", on_open=lambda index: face_view.open_face(chosen, index, record.rows[order])
    )


def images_missing(chosen: Chosen, count: int) -> None:
    """Why no faces are shown, and how to get them."""
    faces = "face" if count == 1 else "faces"
    st.info(
        f"**{count:,} {faces}.** The images of {chosen.record.source} are not here, only the figures: choose them as source on the Dataset page "
        "to see the faces. FER2013 can be had from Kaggle (`kagglehub`, see docs/data.md); its licence does not let us ship it.",
        icon=":material/image_not_supported:",
    )
