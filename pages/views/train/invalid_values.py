"""A note instead of the button that starts, while a number is out of its range.

The browser keeps such a number to itself and marks its box, so only a stylesheet can see it: the run would
start with the number before it.
"""

from __future__ import annotations

import streamlit as st

from pages.widgets.component import style


def note() -> None:
    """Draw the note, which is hidden while all numbers are valid; the stylesheet lists the buttons."""
    text = "A number is out of its range: correct the box that is marked red."
    st.html(f'{style(__file__)}<p class="fer-invalid" role="status">{text}</p>')
