"""Upload: one photo or several."""

from __future__ import annotations

import streamlit as st

from pages.session import kept_files, visitor
from pages.widgets import in_browser, photo_results

from . import browser_settings, photos
from .options import Options

_KEY = "predict_photos"


def show(options: Options) -> None:
    """Draw the uploader and the results of what was uploaded, here or on the start page.

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
    kept_files.upload(
        "Photos",
        _KEY,
        max_upload_size=visitor.upload_megabytes(photo_results.UPLOAD_MEGABYTES),
        accept_multiple_files=True,
    )
    kept_files.show_clear(kept_files.START_PHOTO, _KEY)
    given = kept_files.files(kept_files.START_PHOTO) + kept_files.files(_KEY)
    if given:
        photos.show([(file.name, file.content) for file in given], options)
    else:
        st.info(
            "Drop one photo or many. Each face gets a box, a label and its probabilities.",
            icon=":material/add_photo_alternate:",
        )
