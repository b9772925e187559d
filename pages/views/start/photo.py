"""A photo, classified on the Start page."""

from __future__ import annotations

import streamlit as st

from pages.session import model_choice, visitor
from pages.session.errors import errors_shown
from pages.widgets import photo_results


def show() -> None:
    """Draw the uploader, and the result of the photo or of a portrait."""
    with st.container(border=True):
        st.subheader("Classify a photo")
        photo = st.file_uploader(
            "A photo with one or more faces",
            max_upload_size=visitor.upload_megabytes(photo_results.UPLOAD_MEGABYTES),
            key="start_photo",
        )
        with errors_shown():
            bundle = model_choice.photo_bundle()
            if photo is not None:
                results = {photo.name: photo_results.show(photo.name, photo.getvalue(), bundle)}
            else:
                st.caption("Or see the result for this portrait:")
                results = {
                    "portrait.jpg": photo_results.show(
                        "portrait.jpg", photo_results.SAMPLE.read_bytes(), bundle
                    )
                }
            photo_results.downloads(results, bundle, 0.0, "start")
