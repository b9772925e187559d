"""The camera of Your faces: bursts of faces to learn from, and the live answer of what was learned."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.adaptation.few_shot import FewShotModel
from fer_core.bundles.bundle import Bundle
from fer_core.errors import FerError
from pages.session import cached_models
from pages.session.foreign_text import plain
from pages.widgets import faces, in_browser

from .face_collection import FaceCollection

_RECORDED, _ANSWER = "own_recorded", "own_live_answer"


def show(collection: FaceCollection, label: str, bundle: Bundle, model: FewShotModel | None) -> None:
    """Draw the camera, and beside it what the model answers to each of its pictures.

    Args:
        collection: Receives the faces.
        label: Class of the faces that are recorded.
        bundle: The model whose face detector is used.
        model: What was learned so far; None before.
    """
    st.fragment(_camera)(collection, label, bundle, model)


def take_recorded() -> bool:
    """Return whether a burst was recorded since the last call."""
    return bool(st.session_state.pop(_RECORDED, False))


def _camera(collection: FaceCollection, label: str, bundle: Bundle, model: FewShotModel | None) -> None:
    def record(pictures: list[bytes]) -> None:
        collection.add_burst(label, pictures, bundle)
        st.session_state[_RECORDED] = True

    def answer(number: int, picture: bytes) -> None:
        st.session_state[_ANSWER] = number, None if model is None else _probabilities(model, bundle, picture)

    number, probabilities = st.session_state.get(_ANSWER, (0, None))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        recorded = in_browser.burst("own_camera", label, None if model is None else number, record, answer)
    if recorded:
        st.rerun(scope="app")
    with right:
        if model is None:
            st.caption(
                "Hold the button for a second or two and move your head a little; then choose the next "
                "expression. Once each has faces, the answer runs here."
            )
        elif probabilities is None:
            st.caption("Open the camera: the answer runs here.")
        elif not len(probabilities):
            st.caption("No face is seen.")
        else:
            st.markdown("**Live, after learning**")
            faces.probability_bars(
                {name: float(p) for name, p in zip(model.labels, probabilities, strict=True)}
            )
            st.caption(f"{plain(bundle.name)} with what it has learned; pictures are discarded.")


def _probabilities(model: FewShotModel, bundle: Bundle, picture: bytes) -> np.ndarray:
    """Return the probabilities (C,) of the largest face, or an empty array without a face."""
    try:
        detected = cached_models.predictor(bundle).predict_picture(picture, name="the picture").faces
        if detected:
            largest = max(detected, key=lambda face: face.box[2] * face.box[3])
            return model.probabilities(largest.crop[None])[0]
    except FerError:  # a picture that the browser cut short; the next one follows
        pass
    return np.empty(0)
