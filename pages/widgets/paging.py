"""Pagination of many faces."""

from __future__ import annotations

import math
import zlib

import numpy as np
import streamlit as st


def page_of(indices: np.ndarray, per_page: int, key: str, what: str, linked: bool = False) -> np.ndarray:
    """Draw the page numbers and return the `indices` on the chosen page.

    Args:
        indices: (N,) positions of all faces, in order.
        per_page: Faces on a page.
        key: Key of the page number in the session, and in the address if `linked`.
        what: Describes the faces; when it changes, the first page is shown.
        linked: The address names the page.
    """
    pages = max(1, math.ceil(len(indices) / per_page))
    widget = f"{key}_{zlib.crc32(what.encode())}"
    # a link sets the first page; from then on the page numbers decide
    if key not in st.session_state:
        linked_page = st.query_params.get(key, "") if linked else ""
        st.session_state[key] = (
            widget,
            int(linked_page) if linked_page.isdecimal() and len(linked_page) < 9 else 1,
        )
    elif st.session_state[key][0] != widget:
        st.session_state[key] = (widget, 1)
    first = min(max(1, st.session_state[key][1]), pages)
    page = st.pagination(pages, default=first, key=widget, persist_state="session") if pages > 1 else 1
    if linked and page > 1:
        st.query_params[key] = str(page)
    elif linked:
        st.query_params.pop(key, None)
    return indices[(page - 1) * per_page : page * per_page]
