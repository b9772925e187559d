"""The menu on a phone, where it covers the page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_SCRIPT = Path(__file__).with_suffix(".js")


def close_when_chosen() -> None:
    """Make the browser close the menu when a page is chosen; Streamlit leaves it open."""
    st.html(f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)
