"""One face of an evaluation in detail: true class, prediction, votes and explanation.

`?face=ROW` in the address opens it.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.data.vote_counts import Votes
from fer_core.emotions import EMOJI
from fer_core.quality.agreement import votes_in_words
from pages.session import face_link, file_names
from pages.session.foreign_text import code, plain
from pages.widgets import faces, tags

from . import explanation
from .selection import Selection

_ORDER = "evaluate_order"  # rows of the clicked list, for “Previous” and “Next”


def open_face(selection: Selection, index: int, rows: np.ndarray) -> None:
    """Open a face in the next run; for callbacks.

    Args:
        selection: The evaluation.
        index: Position of the face in the data.
        rows: Rows of the list that contains the face.
    """
    assert selection.data is not None
    st.session_state[_ORDER] = rows
    face_link.open_row(selection.data.rows[index])


def show_linked(selection: Selection) -> None:
    """Open the face that the address asks for."""
    if face_link.requested() is None or selection.data is None:
        return
    if face_link.position(selection.record.rows) is None:
        st.warning(
            f"These faces do not include {plain(repr(face_link.requested()))}: it may be in another split.",
            icon=":material/link_off:",
        )
        return
    st.dialog("Why this prediction?", width="large", icon=":material/face:", on_dismiss=face_link.close)(
        _view
    )(selection)


def _view(selection: Selection) -> None:
    position = face_link.position(selection.record.rows)
    if position is None:
        return
    _navigation(selection, position)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(selection, position)
    with right:
        _answer(selection, position)
        _votes(selection, position)
        if selection.data is not None and selection.indices is not None:
            tags.for_one(selection.data, int(selection.indices[position]), "evaluate")
    explanation.show(selection, position)


def _navigation(selection: Selection, position: int) -> None:
    rows = st.session_state.get(_ORDER)
    row = selection.record.rows[position]
    if rows is None or row not in rows:
        rows = selection.record.rows
    place = int(np.flatnonzero(rows == row)[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        for text, key, to in (("Previous", "Left", place - 1), ("Next", "Right", place + 1)):
            exists = 0 <= to < len(rows)
            st.button(
                text,
                key=f"evaluate_{text.lower()}",
                shortcut=key,
                disabled=not exists,
                on_click=face_link.open_row,
                args=(int(rows[to]) if exists else 0,),
            )
        st.caption(f"{place + 1:,} of {len(rows):,}", width="content")


def _picture(selection: Selection, position: int) -> None:
    assert selection.data is not None and selection.indices is not None
    record = selection.record
    label = record.labels[record.true[position]]
    faces.large(selection.data.images[selection.indices[position]], f"face {record.rows[position]}, {label}")
    truth = "FER+ majority:" if record.truth == "votes" else "Label:"
    st.markdown(f"{truth} **{EMOJI.get(label, '')} {plain(label)}**")
    leaked = " · also in train" if record.leaked is not None and record.leaked[position] else ""
    st.caption(
        f"Row {record.rows[position]:,}, {plain(record.split)} · brightness "
        f"{record.brightness[position]:.0f}, contrast {record.contrast[position]:.0f}{leaked}"
    )
    if name := file_names.name(selection.data, int(selection.indices[position])):
        st.caption(f"File {code(name)}")


def _answer(selection: Selection, position: int) -> None:
    record = selection.record
    right = record.true[position] == record.predicted[position]
    verdict = ":green-badge[:material/check: right]" if right else ":red-badge[:material/close: wrong]"
    st.markdown(f"**{plain(record.model)} predicts** {verdict}")
    faces.probability_bars(
        {name: float(p) for name, p in zip(record.labels, record.probabilities[position], strict=True)}
    )


def _votes(selection: Selection, position: int) -> None:
    if selection.record.votes is not None:
        st.markdown(f"**FER+ votes:** {plain(votes_in_words(Votes(selection.record.votes), position))}")
