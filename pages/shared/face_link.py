"""`?face=ROW` in the address: the face that stands open over a page."""

from __future__ import annotations

import numpy as np
import streamlit as st

PARAMETER = "face"


def open_row(row: int) -> None:
    """Show the face in this row of the source from the next run on; for callbacks."""
    st.query_params[PARAMETER] = str(int(row))


def close() -> None:
    """Show none; for callbacks."""
    st.query_params.pop(PARAMETER, None)


def asked() -> str | None:
    """What the address asks for, which may be no row at all."""
    return st.query_params.get(PARAMETER)


def position(rows: np.ndarray) -> int | None:
    """Where the row that is asked for stands among `rows` (N,); None where it is none of them."""
    text = asked() or ""
    found = np.flatnonzero(rows == int(text)) if text.isdecimal() and len(text) < 15 else []
    return int(found[0]) if len(found) else None
