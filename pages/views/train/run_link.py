"""`?train_run=NAME` in the address: the run that Watch shows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from fer_core.runs.run_folder import RunFolder, list_runs
from fer_core.storage import runs_folder

_VIEW, _RUN = "train_view", "train_run"
_REQUEST = "train_go"
_NEWEST = 20  # runs that may decide which view opens first


def open_run(name: str, values: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Show this run in Watch from the next run of the page on, and set inputs to these values, by key."""
    st.session_state[_REQUEST] = {_VIEW: "Watch", _RUN: name, **values}


def open_setup(values: Mapping[str, Any]) -> None:
    """Show Set up from the next run of the page on, with these values of its inputs, by key."""
    st.session_state[_REQUEST] = {_VIEW: "Set up", **values}


def follow_request() -> None:
    """Open what was requested; called before the widgets of these keys are drawn."""
    st.session_state.update(st.session_state.pop(_REQUEST, {}))


def first_view() -> str:
    """Return the view that opens first: Watch while a run is under way."""
    alive = any(run.alive() for run in list_runs(runs_folder())[:_NEWEST])
    return "Watch" if alive else "Set up"


def choose() -> RunFolder | None:
    """Draw the box that chooses a run; without a run, draw a hint and return None."""
    runs = list_runs(runs_folder())
    if not runs:
        st.info(
            "No run yet. The quick network learns the embedded faces in less than a minute.",
            icon=":material/rocket_launch:",
        )
        return None
    names = [run.name for run in runs]
    linked = st.session_state.get(_RUN, st.query_params.get(_RUN))
    st.session_state[_RUN] = linked if linked in names else names[0]
    name = st.selectbox("Run", names, key=_RUN, persist_state="session", label_visibility="collapsed")
    # Not bound: the address would lack the first run of the list, and a reload would show a newer one.
    st.query_params[_RUN] = name
    return runs[names.index(name)]
