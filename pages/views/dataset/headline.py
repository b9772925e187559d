"""The lines above all views: source and size of the data set, and notes on its file."""

from __future__ import annotations

import streamlit as st

from fer_core.wording import plural
from pages.session import data_source
from pages.session.foreign_text import code, plain
from pages.widgets import data_notes

from . import variants
from .dataset_view import DatasetView


def show(dataset: DatasetView) -> None:
    """Describe the data set and list the notes on its source."""
    data = dataset.data
    st.caption(
        f"{plain(data_source.display_name(data_source.current()))}: {plain(data.format)}, "
        f"{plural(len(data), 'face')} of 48x48, fingerprint {code(data.fingerprint)}"
    )
    variants.confirm_created()
    data_notes.show(data)
