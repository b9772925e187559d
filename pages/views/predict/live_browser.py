"""Live video that is processed in the visitor's browser."""

from __future__ import annotations

import streamlit as st

from fer_core.bundles.bundle import Bundle, model_sha256
from fer_core.csv_cells import harmless
from fer_core.emotions import COLOURS, EMOJI
from fer_core.errors import ModelError
from fer_core.inference import face_table
from fer_core.live import neutral
from pages.widgets import browser_live

from . import live_settings, photos
from .options import Options

FASTEST = "tiny"  # of the shipped models
_SNAPSHOT = "live_browser_snapshot"


def show(options: Options) -> None:
    """Draw the live view.

    Raises:
        ModelError: The model cannot run in a browser.
    """
    bundle = options.bundle
    settings = live_settings.choose(options.unsure_below)
    labels = list(bundle.labels)
    try:
        usual = neutral.reference(bundle).tolist()
    except ModelError:  # no class neutral: no calibration
        usual = None
    taken = browser_live.show(
        "live_browser",
        bundle,
        {
            "labels": labels,
            "colours": [COLOURS.get(label, "#8C8C8C") for label in labels],
            "emoji": [EMOJI.get(label, "") for label in labels],
            "columns": [[name, harmless(name)] for name in face_table.columns(labels)],
            "landmarkNames": face_table.LANDMARKS,
            "model": {
                "name": harmless(bundle.name),
                "version": _version(bundle, str(bundle.path), browser_live.modified(bundle)),
            },
            "usual": usual,
            "smoothing": settings.smoothing,
            "unsureBelow": settings.unsure_below,
            "mirror": settings.mirror,
            "faster": ""
            if bundle.name == FASTEST
            else f"This device is slow with {bundle.name}: the model {FASTEST} is faster.",
        },
    )
    if taken is not None:
        st.session_state[_SNAPSHOT] = taken
    if _SNAPSHOT in st.session_state:
        st.subheader("Snapshot")
        photos.show([("snapshot.jpg", st.session_state[_SNAPSHOT])], options)


@st.cache_data(show_spinner=False, max_entries=16)
def _version(_bundle: Bundle, path: str, modified: int) -> str:
    return model_sha256(_bundle)[:12]
