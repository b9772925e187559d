"""The settings of live video, wherever its frames are processed."""

from __future__ import annotations

import streamlit as st

from fer_core.live import LONGEST_SMOOTHING, LiveSettings


def choose(unsure_below: float) -> LiveSettings:
    """Draw the boxes and return what they hold; `unsure_below` is the confidence that a label needs."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            LONGEST_SMOOTHING,
            0.5,
            0.1,
            format="%.1f s",
            key="live_smoothing",
            persist_state="session",
            width=320,
            help="Probabilities are averaged over this time, with the highest weight for the newest: more is "
            "calmer, less is faster; 0 turns it off.",
        )
        mirror = st.toggle(
            "Mirror",
            value=True,
            key="live_mirror",
            persist_state="session",
            help="Turn off for a rear camera.",
        )
    return LiveSettings(smoothing, unsure_below, mirror)
