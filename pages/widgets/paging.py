"""Boxes to choose a page of many faces."""

from __future__ import annotations

import math
import zlib

import numpy as np
import streamlit as st


def page_of(indices: np.ndarray, per_page: int, key: str, what: str, linked: bool = False) -> np.ndarray:
    """Those of `indices` on the page that is chosen, with the boxes to choose it.

    Args:
        what: when it changes, other faces are shown, and the first page comes again.
        linked: the page stands in the address, under `key`.
    """
    pages = max(1, math.ceil(len(indices) / per_page))
    widget = f"{key}_{zlib.crc32(what.encode())}"
    if (
        key not in st.session_state
    ):  # the page of a link is the first one of what it shows; later the boxes decide
        asked = st.query_params.get(key, "") if linked else ""
        st.session_state[key] = (widget, int(asked) if asked.isdecimal() and len(asked) < 9 else 1)
    elif st.session_state[key][0] != widget:
        st.session_state[key] = (widget, 1)
    first = min(max(1, st.session_state[key][1]), pages)
    page = st.pagination(pages, default=first, key=widget, persist_state="session") if pages > 1 else 1
    if linked and page > 1:
        st.query_params[key] = str(page)
    elif linked:
        st.query_params.pop(key, None)
    return indices[(page - 1) * per_page : page * per_page]
