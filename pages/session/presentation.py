"""Styles of all pages; `?present=1` in the address: without menu and headings, in larger type."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_PARAMETER = "present"
_ON = "present_on"
_STYLE = Path(__file__).with_suffix(".css")
_ALL_PAGES = Path(__file__).with_name("page.css")


def apply() -> None:
    """Draw the styles: that of a presentation where the address asks for it; `?present=0` ends it.

    It stays on all pages of the session.
    """
    st.html(_ALL_PAGES)
    asked = st.query_params.get(_PARAMETER)
    if asked is not None:
        st.session_state[_ON] = asked == "1"
    if st.session_state.get(_ON):
        st.query_params[_PARAMETER] = "1"
        st.html(_STYLE)
