"""`?face=ROW` in the address: the face that is open over a page."""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

_PARAMETER = "face"
_CLOSED = "face_closed"
_STALE_SECONDS = 10.0


def open_row(row: int) -> None:
    """Open the face in this row of the source in the next run; for callbacks."""
    st.session_state.pop(_CLOSED, None)
    st.query_params[_PARAMETER] = str(int(row))


def close() -> None:
    """Close the open face; for callbacks."""
    closed = st.query_params.pop(_PARAMETER, None)
    st.session_state[_CLOSED] = (closed, time.monotonic())


def requested() -> str | None:
    """Return what the address asks for, which need not be a valid row.

    A browser sends its address with each click, so that one soon after the face was closed still names it.
    """
    row = st.query_params.get(_PARAMETER)
    closed, when = st.session_state.get(_CLOSED, (None, 0.0))
    if row is not None and row == closed and time.monotonic() - when < _STALE_SECONDS:
        st.query_params.pop(_PARAMETER, None)
        return None
    return row


def position(rows: np.ndarray) -> int | None:
    """Return the position of the requested row among `rows` (N,), or None where it is not among them."""
    text = requested() or ""
    if not text.isdecimal() or len(text) >= 15:
        return None
    positions = np.flatnonzero(rows == int(text))
    return int(positions[0]) if len(positions) else None
