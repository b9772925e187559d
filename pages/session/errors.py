"""Show the errors that a visitor can do something about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

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
        st.error(plain(visitor.hide_folders(sentence(error))), icon=":material/error:")
        if stop:
            st.stop()


def sentence(error: FerError | OSError) -> str:
    """Return an error as one sentence; those of the system have a number and a path instead."""
    if isinstance(error, FerError):
        return str(error)
    reason = (error.strerror or "an unknown reason").lower()
    name = f" {Path(error.filename).name[:80]}" if isinstance(error.filename, str) else ""
    return f"A file{name} cannot be read or written ({reason}): check the disk and the name, then try again."
