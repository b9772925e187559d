"""The app's log: set up once for each server, before the first page."""

from __future__ import annotations

import os

import streamlit as st

from fer_core.diagnostics import log, report
from fer_core.hosting.settings import SWITCH


def begin() -> None:
    """At the start of each run of the app; does something in the first one."""
    _begin()


@st.cache_resource(show_spinner=False)
def _begin() -> None:
    log.set_up()
    known = report.versions()
    log.event(
        "app started",
        hosted=bool(os.environ.get(SWITCH)),
        system=report.system(),
        **{
            name.replace("-", "_"): known[name]
            for name in ("fer_core", "python", "streamlit")
            if name in known
        },
    )
