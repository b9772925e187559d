"""What a hosted app does beside its pages: start runs that wait, and clear what was left."""

from __future__ import annotations

import logging
import threading
import time

import streamlit as st

from fer_core.diagnostics import log
from fer_core.hosting import cleaning, quotas
from fer_core.hosting.visitors import Visitors
from fer_core.training import shared_queue
from fer_core.training.registry import Registry

from . import grad_cam

_LOOK_SECONDS = 2.0
_CLEAN_SECONDS = 3600.0


def keep(everybody: Visitors) -> None:
    """See to it that the thread is there: one for each server."""
    _thread(everybody, str(everybody))


@st.cache_resource(show_spinner=False)
def _thread(_everybody: Visitors, settings: str) -> threading.Thread:
    thread = threading.Thread(target=_work, args=(_everybody,), name="fer-keeper", daemon=True)
    thread.start()
    return thread


def _work(everybody: Visitors) -> None:
    cleaned = -_CLEAN_SECONDS
    while everybody.root.is_dir():  # gone: the server has other folders now
        try:
            if time.monotonic() - cleaned >= _CLEAN_SECONDS:
                cleaned = time.monotonic()
                gone = cleaning.clean(everybody)
                if gone:
                    log.event("visitors cleared", count=len(gone))
            if Registry(everybody.root).queue():
                if not everybody.running() and not quotas.room(everybody):
                    grad_cam.release()  # a run that waits goes before the comfort of not waiting for a map
                shared_queue.tend(everybody)
        except Exception:  # a full disk now may have room later
            logging.getLogger("fer").exception("the keeper failed")
        time.sleep(_LOOK_SECONDS)
