"""The end of the server: it comes soon after the signal, whatever a browser is doing."""

from __future__ import annotations

import asyncio
import socket

import streamlit as st
from uvicorn import Server

_SECONDS = 5.0  # for the requests that are under way


@st.cache_resource(show_spinner=False)
def bound() -> None:
    """Close the connections that are left some seconds after the signal to end, once for each server.

    In Streamlit 1.67 the server waits for them without an end: for a browser that has connected just when
    the signal came, until it leaves, and for one that does not read what it has asked for.
    """
    shutdown = Server.shutdown

    async def bounded(server: Server, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_SECONDS, _close_connections, server)
        await shutdown(server, sockets)

    Server.shutdown = bounded  # type: ignore[method-assign, assignment]


def _close_connections(server: Server) -> None:
    for connection in list(server.server_state.connections):
        connection.transport.abort()
