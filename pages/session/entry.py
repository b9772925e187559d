"""Start and end of each run of the app, and deep links."""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

import streamlit as st

from . import app_log, garbage, phone_menu, shutdown, table_toolbar, visitor, widget_states

# Python's 5 ms would let a page that computes or imports hold up what is sent to the browser, piece by piece.
_SWITCH_SECONDS = 0.0005

_APP = Path(__file__).resolve().parents[2] / "streamlit_app.py"
_inside_app: ContextVar[bool] = ContextVar("inside_app", default=False)


@contextlib.contextmanager
def visit() -> Iterator[None]:
    """Identify the visitor before the page runs, and let the browser remember the visitor afterwards."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    app_log.start()
    shutdown.bound()
    widget_states.iterate_over_copies()
    all_visitors = visitor.enter()
    if all_visitors is not None:
        from . import housekeeping  # brings much of fer_core

        housekeeping.start(all_visitors)
    token = _inside_app.set(True)
    table_toolbar.hide_download()
    try:
        yield
    finally:
        _inside_app.reset(token)
        visitor.store_secret()
        phone_menu.close_when_chosen()
        garbage.freeze()


def run_entry_script() -> None:
    """Run `streamlit_app.py` instead of the page alone; do nothing where the app is running the page.

    While a folder `pages/` exists, Streamlit 1.67 runs `pages/NAME.py` without the entry file for a deep link
    to `/NAME`, until `st.navigation` has been called once in the server's process (issues 8860 and 9992).
    """
    if not _inside_app.get():
        runpy.run_path(str(_APP))
        st.stop()  # the app has run the page already
