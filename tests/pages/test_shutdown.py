"""The server of the app ends though a browser holds a connection."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn

from pages.session import shutdown
from tests.pages.conftest import open_page

_MORE_THAN_IS_BUFFERED = 100_000_000


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(_MORE_THAN_IS_BUFFERED)})


async def serve_until_told(listening: socket.socket) -> None:
    server = uvicorn.Server(uvicorn.Config(answer, lifespan="off", log_level="critical"))
    serving = asyncio.create_task(server.serve([listening]))
    with socket.create_connection(listening.getsockname()) as stalled:
        stalled.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(0.5)
        assert server.server_state.connections
        server.should_exit = True
        await asyncio.wait_for(serving, 10)


def test_the_server_ends_though_a_browser_reads_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_SECONDS", 0.2)
    open_page()
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as thread:
        # Playwright keeps a loop running in this one
        thread.submit(asyncio.run, serve_until_told(listening)).result()
