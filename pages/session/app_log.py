"""The app's log."""

from __future__ import annotations

import os

import streamlit as st

from fer_core.diagnostics import log, report
from fer_core.hosting.settings import SWITCH


@st.cache_resource(show_spinner=False)
def start() -> None:
    """Set up the log and record the start of the server, once for each server."""
    log.set_up()
    versions = report.versions()
    log.event(
        "app started",
        hosted=bool(os.environ.get(SWITCH)),
        system=report.system(),
        **{
            name.replace("-", "_"): versions[name]
            for name in ("fer_core", "python", "streamlit")
            if name in versions
        },
    )
