"""One face of an evaluation, large: what it should be, what the model says, what people voted, and why. `?face=ROW` opens it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.data.votes import Votes
from fer_core.emotions import EMOJI
from fer_core.quality.agreement import votes_in_words
from pages.shared import face_link, faces

from . import why
from .chosen import Chosen

_ORDER = "evaluate_order"  # rows of the list that was clicked, which “next” goes through


def open_face(chosen: Chosen, index: int, rows: np.ndarray) -> None:
    """Show the face at `index` of the data from the next run on; for callbacks.

    Args:
        rows: the rows of the list that it stands in.
    """
    assert chosen.data is not None
    st.session_state[_ORDER] = rows
    face_link.open_row(chosen.data.rows[index])


def show_asked(chosen: Chosen) -> None:
    """The face that the address asks for, over the page."""
    if face_link.asked() is None or chosen.data is None:
        return
    if face_link.position(chosen.record.rows) is None:
        st.warning(
            f"Among these faces there is no {face_link.asked()!r}: it may stand in another split.",
            icon=":material/link_off:",
        )
        return
    st.dialog("Why this answer?", width="large", icon=":material/face:", on_dismiss=face_link.close)(_view)(
        chosen
    )


def _view(chosen: Chosen) -> None:
    position = face_link.position(chosen.record.rows)
    if position is None:
        return
    _navigation(chosen, position)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(chosen, position)
    with right:
        _answer(chosen, position)
        _votes(chosen, position)
    why.show(chosen, position)


def _navigation(chosen: Chosen, position: int) -> None:
    rows = st.session_state.get(_ORDER)
    row = chosen.record.rows[position]
    if rows is None or row not in rows:
        rows = chosen.record.rows
    place = int(np.flatnonzero(rows == row)[0])
    with st.container(horizontal=True, vertical_alignment="center"):
        for text, key, to in (("Previous", "Left", place - 1), ("Next", "Right", place + 1)):
            there = 0 <= to < len(rows)
            st.button(
                text,
                key=f"evaluate_{text.lower()}",
                shortcut=key,
                disabled=not there,
                on_click=face_link.open_row,
                args=(int(rows[to]) if there else 0,),
            )
        st.caption(f"{place + 1:,} of {len(rows):,}", width="content")


def _picture(chosen: Chosen, position: int) -> None:
    assert chosen.data is not None and chosen.indices is not None
    record = chosen.record
    label = record.labels[record.true[position]]
    faces.large(chosen.data.images[chosen.indices[position]], f"face {record.rows[position]}, {label}")
    says = "Most voters say" if record.truth == "votes" else "Label"
    st.markdown(f"{says} **{EMOJI.get(label, '')} {label}**")
    leaked = " · also stands in train" if record.leaked is not None and record.leaked[position] else ""
    st.caption(
        f"Row {record.rows[position]:,}, {record.split} · brightness {record.brightness[position]:.0f}, "
        f"contrast {record.contrast[position]:.0f}{leaked}"
    )


def _answer(chosen: Chosen, position: int) -> None:
    record = chosen.record
    right = record.true[position] == record.predicted[position]
    verdict = ":green-badge[:material/check: right]" if right else ":red-badge[:material/close: wrong]"
    st.markdown(f"**{record.model} says** {verdict}")
    faces.probability_bars(
        {name: float(p) for name, p in zip(record.labels, record.probabilities[position], strict=True)}
    )


def _votes(chosen: Chosen, position: int) -> None:
    if chosen.record.votes is not None:
        st.markdown(f"**FER+ voters:** {votes_in_words(Votes(chosen.record.votes), position)}")
