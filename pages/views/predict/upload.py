"""Upload: one photo or several."""

from __future__ import annotations

import streamlit as st

from pages.session import visitor
from pages.widgets import in_browser, photo_results

from . import browser_settings, photos
from .options import Options


def show(options: Options) -> None:
    """Draw the uploader and the results of what was uploaded.

    Raises:
        ModelError: The model cannot run in a browser.
    """
    if browser_settings.choose_way(
        "upload_way",
        browser_settings.SERVER,
        "On the server adds Grad-CAM, warnings and more kinds of files. In this browser, no photo leaves "
        "this tab.",
        first=browser_settings.SERVER,
    ):
        settings = browser_settings.settings(options.bundle, options.unsure_below, mirror=False)
        in_browser.stills("upload_browser", options.bundle, {**settings, "way": "files"})
        browser_settings.troubles()
        return
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
