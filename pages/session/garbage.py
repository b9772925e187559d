"""Garbage collection without the objects of imported modules, which stay for good."""

from __future__ import annotations

import gc
import sys
import time

_ALL_SECONDS = 600.0
_modules = 0  # at the last freeze
_all_collected = time.monotonic()


def freeze() -> None:
    """Exclude all present objects from garbage collection if modules were imported since the last call.

    Streamlit collects garbage after each run of a script, before the browser has received the last changes.
    With the objects of pandas and Plotly, that takes longer than most runs. Objects created later are
    collected as before.
    """
    global _modules
    if time.monotonic() - _all_collected > _ALL_SECONDS:  # a session that was frozen may have ended
        collect()
    if len(sys.modules) != _modules:
        _modules = len(sys.modules)
        gc.freeze()


def collect() -> None:
    """Collect the garbage among all objects."""
    global _modules, _all_collected
    gc.unfreeze()
    gc.collect()
    _modules, _all_collected = 0, time.monotonic()
