"""The toolbar of tables, without Streamlit's download."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_STYLE = Path(__file__).with_suffix(".css")


def hide_download() -> None:
    """Hide the download in the toolbars of all tables on the page."""
    st.html(_STYLE)
