"""`?face=ROW` in the address: the face that is open over a page."""

from __future__ import annotations

import numpy as np
import streamlit as st

_PARAMETER = "face"


def open_row(row: int) -> None:
    """Open the face in this row of the source in the next run; for callbacks."""
    st.query_params[_PARAMETER] = str(int(row))


def close() -> None:
    """Close the open face; for callbacks."""
    st.query_params.pop(_PARAMETER, None)


def requested() -> str | None:
    """Return what the address asks for, which need not be a valid row."""
    return st.query_params.get(_PARAMETER)


def position(rows: np.ndarray) -> int | None:
    """Return the position of the requested row among `rows` (N,), or None where it is not among them."""
    text = requested() or ""
    if not text.isdecimal() or len(text) >= 15:
        return None
    positions = np.flatnonzero(rows == int(text))
    return int(positions[0]) if len(positions) else None
