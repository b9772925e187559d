"""The gallery: the faces that a filter leaves, page by page; one opens large, several get a verdict at once."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.shared import face_grid
from pages.shared.paging import page_of

from . import face_view, filters, verdict_buttons
from .facts import Facts, in_words

PER_PAGE = 60
PAGE = "dataset_page"  # as the address names it


def show(facts: Facts) -> np.ndarray:
    """The view. The positions of all faces in it, in their order."""
    found = filters.choose(facts)
    if not len(found.indices):
        st.info("No face fits this filter.", icon=":material/filter_alt_off:")
        return found.indices
    here = page_of(
        found.indices,
        PER_PAGE,
        PAGE,
        f"{facts.key} {found.words} {st.session_state['dataset_sort']}",
        linked=True,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{here.size:,} of {len(found.indices):,} faces"
            + (f": {', '.join(found.words)}" if found.words else ""),
            width="stretch",
        )
        selecting = st.toggle(
            "Choose several", key="dataset_selecting", help="A click chooses a face instead of opening it."
        )
    if selecting:
        place = st.container()
    shown = [face_grid.Face(int(i), facts.data.images[i], facts.label(i), found.notes(int(i))) for i in here]
    chosen = face_grid.show(
        shown,
        f"dataset_faces_{verdict_buttons.turn() if selecting else 0}",
        on_open=lambda i: face_view.open_face(facts.data, i),
        selecting=selecting,
    )
    if selecting:
        with place:
            verdict_buttons.for_several(facts, chosen, here)
    return found.indices


def small(
    facts: Facts, indices: np.ndarray, key: str, notes: list[tuple[str, ...]] | None = None, least: int = 92
) -> None:
    """Faces of other views; a click opens one."""
    judged = facts.judged()
    lines = notes or [(facts.split(int(i)),) for i in indices]
    shown = [
        face_grid.Face(
            int(i), facts.data.images[i], facts.label(int(i)), (*note, in_words(judged.get(int(i))))
        )
        for i, note in zip(indices, lines, strict=True)
    ]
    face_grid.show(shown, key, on_open=lambda i: face_view.open_face(facts.data, i), least=least)
