"""Live video that is processed in the visitor's browser."""

from __future__ import annotations

import streamlit as st

from pages.widgets import in_browser

from . import browser_settings, live_settings, photos
from .options import Options

_SNAPSHOT = "live_browser_snapshot"


def show(options: Options) -> None:
    """Draw the live view.

    Raises:
        ModelError: The model cannot run in a browser.
    """
    chosen = live_settings.choose(options.unsure_below)
    taken = in_browser.live(
        "live_in_browser",  # live_video has a component live_browser
        options.bundle,
        {
            **browser_settings.settings(options.bundle, chosen.unsure_below, chosen.mirror),
            **browser_settings.live_settings(options.bundle),
            "smoothing": chosen.smoothing,
        },
    )
    browser_settings.troubles()
    if taken is not None:
        st.session_state[_SNAPSHOT] = taken
    if _SNAPSHOT in st.session_state:
        st.subheader("Snapshot")
        photos.show([("snapshot.jpg", st.session_state[_SNAPSHOT])], options)
