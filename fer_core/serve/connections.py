"""Connections of the service: a request's head comes in time, and no address holds all of them."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
WAITING_PER_ADDRESS = 32  # connections without a complete head


class Connection(H11Protocol):
    """A connection that is closed if the head of a request does not come in time.

    Where an address opens too many, those that have waited longest are closed, so that a client who sends its
    request at once is served.
    """

    _waiting: ClassVar[defaultdict[str, dict[Connection, None]]] = defaultdict(dict)  # oldest first
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._waits()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # the first part of another head, after an answer
        begun = self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]
        if begun and self._timer is None and not self.transport.is_closing():
            self._waits()

    def connection_lost(self, exc: Exception | None) -> None:
        self._waits_no_longer()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:  # the head is complete
            self._waits_no_longer()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in the form of all errors of the service."""
        content = json.dumps({"error": f"{msg.rstrip('.')}: expected HTTP/1.1, see /docs."}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=content),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _waits(self) -> None:
        self._address = self.client[0] if self.client else ""
        waiting = self._waiting[self._address]
        if len(waiting) >= WAITING_PER_ADDRESS:
            oldest = next(iter(waiting))
            oldest._waits_no_longer()
            oldest.transport.abort()
        waiting[self] = None
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _waits_no_longer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting = self._waiting.get(self._address, {})
        waiting.pop(self, None)
        if not waiting:
            self._waiting.pop(self._address, None)
