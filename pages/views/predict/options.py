"""The boxes that ways to predict share: the model, the confidence threshold and face detection."""

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
    unsure_below: float  # faces with less confidence get no label


def choose() -> Options:
    """Draw the boxes and return what they hold.

    Raises:
        ModelError: There is no model.
    """
    return Options(model_choice.choose("predict_model", PHOTO_MODEL), threshold.choose())


def find_faces() -> bool:
    """Draw the switch for face detection in pictures; without it, a whole picture is one face."""
    return st.toggle(
        "Find faces",
        value=True,
        key="predict_detect",
        persist_state="session",
        help="Off: each whole picture is taken as one face.",
    )
