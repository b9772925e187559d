"""Notes on a source: assumed label codes, labels that look permuted, files left out."""

from __future__ import annotations

import streamlit as st

from fer_core.data import Dataset
from fer_core.label_options import split_source
from fer_core.quality import result_cache
from fer_core.quality.label_permutation import Permutation, find_permutation
from fer_core.wording import plural
from pages.session import data_source, kept_labels
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

_IN_SIGHT = 2


def show(data: Dataset) -> None:
    """List the notes; those on the labels stay in sight, since wrong labels give plausible wrong figures."""
    permutation = _permutation(data, result_cache.key(data), data.source)
    if permutation is not None:
        _offer(permutation)
    notes = sorted(data.warnings, key=lambda note: not note.startswith("Labels "))
    for note in notes[:_IN_SIGHT]:
        st.caption(f":material/info: {plain(note)}")
    if rest := notes[_IN_SIGHT:]:
        with st.expander(f"{plural(len(rest), 'more note')} on this source", icon=":material/info:"):
            for note in rest:
                st.markdown(f"- {plain(note)}")


@st.cache_resource(max_entries=20, show_spinner="Checking the labels ...")
def _permutation(_data: Dataset, key: str, source: str) -> Permutation | None:
    return find_permutation(_data)


def _offer(permutation: Permutation) -> None:
    """Say that the labels look permuted, and offer the source with the better names."""
    st.warning(plain(permutation.sentence()), icon=":material/swap_horiz:")
    if permutation.source is None:
        return
    location, options = split_source(permutation.source)
    if st.button("Use this order", key="data_notes_permuted", icon=":material/check:"):
        with errors_shown(stop=False):
            data_source.choose(permutation.source)
            kept_labels.keep(location, options)
            st.rerun()
