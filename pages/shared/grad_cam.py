"""The one process for Grad-CAM that the app keeps, and the maps from it."""

from __future__ import annotations

import html
import threading

import numpy as np
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.evaluation.record import model_hash
from fer_core.explanation.grad_cam_process import GradCamProcess
from fer_core.explanation.heat import heat

from . import visitor
from .faces import data_uri

_STYLE = """<style>
.fer-why{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,118px),1fr));gap:.7rem}
.fer-why figure{margin:0;max-width:260px}
.fer-why img{width:100%;display:block;border-radius:.5rem}
.fer-why figcaption{font-size:.8rem;line-height:1.35;padding-top:.25rem}
</style>"""
_REFRESH_SECONDS = 0.6
_lock = threading.Lock()
_current: dict[str, GradCamProcess] = {}  # never more than one: each holds some 700 MB


def process(bundle: Bundle) -> GradCamProcess:
    """The process for this model, getting ready if it is not; that of another model is ended.

    Raises:
        ModelError: it cannot be started, or a hosted app has no memory for it now.
    """
    key = f"{bundle.path} {model_hash(bundle)}"
    with _lock:
        for other in [name for name in _current if name != key]:
            _current.pop(other).close()
        found = _current.setdefault(key, GradCamProcess(bundle))
    if not found.ready and not found.under_way:
        visitor.check_helper("Grad-CAM")
    if not found.failed:  # else the request that comes next says why, and lets it try again
        found.start()
    return found


def release() -> None:
    """End the process, for what needs its memory more."""
    with _lock:
        for name in list(_current):
            _current.pop(name).close()


def wait(found: GradCamProcess) -> bool:
    """Whether it is not ready yet; then a sentence says so, and the page runs again when it is."""
    if found.ready or found.failed:
        return False
    st.fragment(_getting_ready, run_every=_REFRESH_SECONDS)(found)
    return True


def _getting_ready(found: GradCamProcess) -> None:
    if found.ready or found.failed:
        st.rerun()
    st.caption(":material/hourglass_top: Grad-CAM gets ready. It takes about 6 s, once for each model.")


def figures(pictures: list[tuple[np.ndarray, np.ndarray, str]]) -> None:
    """Maps side by side.

    Args:
        pictures: face (48, 48), map (48, 48) in 0..1, and the line below.
    """
    cells = [
        f'<figure><img src="{data_uri(heat(face, map))}" alt="{html.escape(line, quote=True)}">'
        f"<figcaption>{html.escape(line)}</figcaption></figure>"
        for face, map, line in pictures
    ]
    st.html(f'{_STYLE}<div class="fer-why">{"".join(cells)}</div>')
