"""The boxes that all ways to predict share: the model, face detection and the confidence threshold."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fer_core.bundles.bundle import PHOTO_MODEL, Bundle
from pages.session import model_choice
from pages.widgets import threshold


@dataclass(frozen=True)
class Options:
    """How pictures are classified."""

    bundle: Bundle
    detect: bool  # False: a whole picture is one face
    unsure_below: float  # faces with less confidence get no label


def choose() -> Options:
    """Draw the boxes and return what they hold.

    Raises:
        ModelError: There is no model.
    """
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        bundle = model_choice.choose("predict_model", PHOTO_MODEL)
    detect = right.toggle(
        "Find faces",
        value=True,
        key="predict_detect",
        persist_state="session",
        help="Off: each whole picture is taken as one face.",
    )
    return Options(bundle, detect, threshold.choose())
