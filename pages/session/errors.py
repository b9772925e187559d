"""Show the errors that a visitor can do something about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import streamlit as st

from fer_core.errors import FerError

from . import visitor
from .foreign_text import plain


@contextlib.contextmanager
def errors_shown(stop: bool = True) -> Iterator[None]:
    """Show a `FerError` or `OSError` as its one sentence.

    Args:
        stop: End the page after the error.
    """
    try:
        yield
    except (FerError, OSError) as error:  # OSError: a full disk, a file that was removed meanwhile
        st.error(plain(visitor.hide_folders(str(error))), icon=":material/error:")
        if stop:
            st.stop()
