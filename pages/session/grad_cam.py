"""The helper process for Grad-CAM: at most one for the app, since it holds some 700 MB."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.evaluation.record import model_hash
from fer_core.explanation.grad_cam_process import GradCamProcess

from . import helpers

_REFRESH_SECONDS = 0.6
_lock = threading.Lock()
_current: dict[str, GradCamProcess] = {}  # at most one


def process(bundle: Bundle) -> GradCamProcess:
    """Return the process for a model, and start it if needed; the process of another model is ended.

    Raises:
        ModelError: It cannot be started, or a hosted app has no memory for it now.
    """
    key = f"{bundle.path} {model_hash(bundle)}"
    with _lock:
        for other in [name for name in _current if name != key]:
            _current.pop(other).close()
        helper = _current.setdefault(key, GradCamProcess(bundle, _spawn))
        if not helper.failed:  # a failed process reports its error at the next request, and starts again then
            helper.start()
    return helper


def _spawn(launch: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    return helpers.start("Grad-CAM", launch, shared=True)


def release() -> None:
    """End the process to free its memory."""
    with _lock:
        for name in list(_current):
            _current.pop(name).close()


def show_starting(helper: GradCamProcess) -> bool:
    """Draw a note while the process is starting, and run the page again when it is ready.

    Returns:
        Whether the process is starting.
    """
    if helper.ready or helper.failed:
        return False
    st.fragment(_starting, run_every=_REFRESH_SECONDS)(helper)
    return True


def _starting(helper: GradCamProcess) -> None:
    if helper.ready or helper.failed:
        st.rerun()
    st.caption(":material/hourglass_top: Starting Grad-CAM. It takes about 6 s, once for each model.")
