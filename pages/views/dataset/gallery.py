"""Gallery: the faces that pass the filters. A click opens a face; several can get one verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from fer_core.wording import plural
from pages.session.foreign_text import plain
from pages.widgets import face_grid, tags
from pages.widgets.paging import page_of

from . import face_view, filters, verdict_buttons
from .dataset_view import DatasetView, in_words

PER_PAGE = 60
_PAGE = "dataset_page"  # in the address


def show(dataset: DatasetView) -> np.ndarray:
    """Draw the view and return the positions of all its faces, in order."""
    filtered = filters.choose(dataset)
    if not len(filtered.indices):
        st.info("No face passes these filters.", icon=":material/filter_alt_off:")
        return filtered.indices
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        shown_indices = page_of(
            filtered.indices,
            PER_PAGE,
            _PAGE,
            f"{dataset.key} {filtered.words} {st.session_state['dataset_sort']}",
            linked=True,
        )
        st.caption(
            f"{shown_indices.size:,} of {plural(len(filtered.indices), 'face')}"
            + (f": {plain(', '.join(filtered.words))}" if filtered.words else ""),
            width="stretch",
        )
        filters.drawer()
        selecting = st.toggle(
            "Select",
            key="dataset_selecting",
            help="A click selects a face for a verdict or a tag instead of opening it.",
        )
    if selecting:
        place = st.container()
    shown = [
        face_grid.Face(int(i), dataset.data.images[i], dataset.label(i), filtered.notes(int(i)))
        for i in shown_indices
    ]
    chosen = face_grid.show(
        shown,
        f"dataset_faces_{verdict_buttons.selection_version()}_{tags.version()}"
        if selecting
        else "dataset_faces",
        on_open=lambda i: face_view.open_face(dataset.data, i),
        selecting=selecting,
    )
    if selecting:
        with place:
            verdict_buttons.for_several(dataset, chosen, shown_indices)
            tags.for_several(dataset.data, chosen, "dataset")
    return filtered.indices


def unlink_page() -> None:
    """Take the page of the gallery out of the address where another view is shown."""
    if st.session_state["dataset_view"] != "Gallery":
        st.query_params.pop(_PAGE, None)


def small(
    dataset: DatasetView,
    indices: np.ndarray,
    key: str,
    notes: Sequence[tuple[str, ...]] | None = None,
    min_width: int = 92,
) -> None:
    """Draw faces of another view; a click opens a face."""
    verdicts = dataset.current_verdicts()
    lines = notes or [(dataset.split(int(i)),) for i in indices]
    shown = [
        face_grid.Face(
            int(i),
            dataset.data.images[i],
            dataset.label(int(i)),
            (
                *note,
                in_words(verdicts.get(int(i)), dataset.label(int(i))),
                tags.in_words(dataset.tags.get(int(i), ())),
            ),
        )
        for i, note in zip(indices, lines, strict=True)
    ]
    face_grid.show(shown, key, on_open=lambda i: face_view.open_face(dataset.data, i), min_width=min_width)
