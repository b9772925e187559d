"""Camera: a snapshot."""

from __future__ import annotations

import streamlit as st

from pages.widgets import camera

from . import photos
from .options import Options


def show(options: Options) -> None:
    """Draw the camera and the result of the snapshot."""
    if not camera.available():
        return
    snapshot = st.camera_input("Take a picture", key="predict_camera")
    if snapshot:
        photos.show([("snapshot.jpg", snapshot.getvalue())], options)
