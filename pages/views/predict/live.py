"""Live: the webcam."""

from __future__ import annotations

import streamlit as st

from pages.widgets import camera

from . import live_browser
from .options import Options

BROWSER, SERVER = "In this browser", "On the server (WebRTC)"


def show(options: Options) -> None:
    """Draw the live view.

    Raises:
        LiveError: Too many people use the camera, or the machine is too busy.
        ModelError: The bundle cannot be used.
    """
    if not camera.available():
        return
    way = st.segmented_control(
        "Frames are processed",
        (BROWSER, SERVER),
        default=BROWSER,
        required=True,
        key="live_way",
        persist_state="session",
        help="In this browser, no frame leaves this tab. On the server works for every model, and needs a "
        "connection that WebRTC can pass.",
    )
    if way == BROWSER:
        live_browser.show(options)
    else:
        from . import live_video  # here, since WebRTC takes time and memory that others need not wait for

        live_video.show(options.bundle, options.unsure_below)
