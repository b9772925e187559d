"""The confidence threshold that all pages share."""

from __future__ import annotations

import streamlit as st

KEY = "unsure_below"


def choose() -> float:
    """Draw the slider of the threshold and return it as a share, 0 to 1; the slider shows per cent.

    The address names it, and it stays through views and pages.
    """
    percent = st.slider(
        "Unsure below",
        0,
        99,
        0,
        format="%d%%",
        key=KEY,
        bind="query-params",
        persist_state="session",
        help="A face gets no label where the model is less sure than this. Trust on the Evaluate page shows "
        "how often that happens, and what it brings; Predict uses the same threshold.",
    )
    return percent / 100
