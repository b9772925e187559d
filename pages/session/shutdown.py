"""The server stops soon after the signal, whatever a browser is doing."""

from __future__ import annotations

import asyncio
import socket

import streamlit as st
from uvicorn import Server

_SECONDS = 5.0  # for the requests that are under way


@st.cache_resource(show_spinner=False)
def bound() -> None:
    """Limit the time that the server waits for open connections when it stops, once for each server.

    The server of Streamlit 1.67 waits without a limit: for a browser that connects just as the signal
    arrives, and for one that stops reading its answer.
    """
    shutdown = Server.shutdown

    async def bounded(server: Server, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_SECONDS, _close_connections, server)
        await shutdown(server, sockets)

    Server.shutdown = bounded  # type: ignore[method-assign, assignment]


def _close_connections(server: Server) -> None:
    for connection in list(server.server_state.connections):
        connection.transport.abort()
