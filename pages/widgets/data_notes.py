"""Notes on a source: assumed label codes, files left out, a validation split that was drawn."""

from __future__ import annotations

import streamlit as st

from fer_core.data import Dataset
from fer_core.wording import plural
from pages.session.foreign_text import plain

_IN_SIGHT = 2


def show(data: Dataset) -> None:
    """List the notes; those on the labels stay in sight, since wrong labels give plausible wrong figures."""
    notes = sorted(data.warnings, key=lambda note: not note.startswith("Labels "))
    for note in notes[:_IN_SIGHT]:
        st.caption(f":material/info: {plain(note)}")
    if rest := notes[_IN_SIGHT:]:
        with st.expander(f"{plural(len(rest), 'more note')} on this source", icon=":material/info:"):
            for note in rest:
                st.markdown(f"- {plain(note)}")
