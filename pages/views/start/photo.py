"""A photo, classified on the Start page."""

from __future__ import annotations

import streamlit as st

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from pages.session import kept_files, visitor
from pages.session.errors import errors_shown
from pages.widgets import photo_results


def show() -> None:
    """Draw the uploader, and the result of the photo or of a portrait; Predict has the photo too."""
    with st.container(border=True):
        st.subheader("Classify a photo")
        photos = kept_files.upload(
            "A photo with one or more faces",
            kept_files.START_PHOTO,
            max_upload_size=visitor.upload_megabytes(photo_results.UPLOAD_MEGABYTES),
        )
        kept_files.show_clear(kept_files.START_PHOTO)
        with errors_shown():
            bundle = find_bundle(PHOTO_MODEL)
            if not photos:
                st.caption("Or see the result for this portrait:")
            shown = [(photo.name, photo.content) for photo in photos] or [
                ("portrait.jpg", photo_results.SAMPLE.read_bytes())
            ]
            results = [photo_results.show(name, content, bundle) for name, content in shown]
            photo_results.downloads(results, bundle, 0.0, "start")
