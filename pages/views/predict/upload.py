"""Upload: one photo or several."""

from __future__ import annotations

import streamlit as st

from pages.session import visitor
from pages.widgets import photo_results

from . import photos
from .options import Options


def show(options: Options) -> None:
    """Draw the uploader and the results of what was uploaded."""
    uploads = st.file_uploader(
        "Photos",
        max_upload_size=visitor.upload_megabytes(photo_results.UPLOAD_MEGABYTES),
        accept_multiple_files=True,
        key="predict_photos",
    )
    if uploads:
        photos.show([(upload.name, upload.getvalue()) for upload in uploads], options)
    else:
        st.info(
            "Drop one photo or many. Each face gets a box, a label and its probabilities.",
            icon=":material/add_photo_alternate:",
        )
