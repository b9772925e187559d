"""Housekeeping of a hosted app: start waiting runs and delete old folders."""

from __future__ import annotations

import logging
import threading
import time

import streamlit as st

from fer_core.diagnostics import log
from fer_core.hosting import cleaning, quotas
from fer_core.hosting.visitors import Visitors
from fer_core.runs import queue
from fer_core.runs.registry import Registry

from . import grad_cam, health, helpers, uploads

_TICK_SECONDS = 0.5
_QUEUE_SECONDS = 2.0
_CLEAN_SECONDS = 3600.0


def start(all_visitors: Visitors) -> None:
    """Start the thread that does the housekeeping, one for each server."""
    _thread(all_visitors, str(all_visitors))


@st.cache_resource(show_spinner=False)
def _thread(_all_visitors: Visitors, settings: str) -> threading.Thread:
    health.start()
    uploads.bound(_all_visitors.settings)
    thread = threading.Thread(target=_loop, args=(_all_visitors,), name="fer-housekeeping", daemon=True)
    thread.start()
    return thread


def _loop(all_visitors: Visitors) -> None:
    cleaned_at, looked_at = -_CLEAN_SECONDS, -_QUEUE_SECONDS
    while all_visitors.root.is_dir():  # otherwise the server has other folders now
        try:
            health.free_descriptors()
            if time.monotonic() - looked_at < _QUEUE_SECONDS:
                time.sleep(_TICK_SECONDS)
                continue
            looked_at = time.monotonic()
            health.check(all_visitors.settings)
            if time.monotonic() - cleaned_at >= _CLEAN_SECONDS:
                cleaned_at = time.monotonic()
                deleted = cleaning.clean(all_visitors)
                if deleted:
                    log.event("visitors cleared", count=len(deleted))
            helpers.reap()
            if Registry(all_visitors.root).queue():
                if not all_visitors.running() and not quotas.has_room(all_visitors):
                    grad_cam.release()  # a waiting run is worth more than a fast Grad-CAM map
                queue.start_waiting(all_visitors)
        except Exception:  # a disk that is full now may have room later
            logging.getLogger("fer").exception("housekeeping failed")
        time.sleep(_TICK_SECONDS)
