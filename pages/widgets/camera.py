"""Whether a page can have a camera."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def available() -> bool:
    """Return whether a browser gives this page a camera, and say what is missing if it does not."""
    address = urlsplit(st.context.url or "")
    host = address.hostname or ""
    if address.scheme != "http" or host in _OWN_MACHINE or host.endswith(".localhost"):
        return True
    st.info(
        "A camera needs https or localhost: browsers give none to a page over plain http from another "
        "machine.",
        icon=":material/no_photography:",
    )
    return False
