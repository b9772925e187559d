"""A visitor without a browser: speaks Streamlit's own protocol (protobuf over a websocket), so that many fit
on a small machine.

It keeps the elements of the page and the states of the widgets as a browser does, and waits for the end of
each run of the script. Fragments that renew themselves are left alone.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Self

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol

_LARGEST = 200_000_000  # bytes of a message


@dataclass
class Visitor:
    """One tab of one visitor."""

    url: str  # http://host:port
    cookies: dict[str, str] = field(default_factory=dict)
    elements: dict[tuple[int, ...], Any] = field(default_factory=dict)  # by their place on the page
    lost: int = 0  # runs of the script that did not end as they should
    _states: dict[str, dict[str, Any]] = field(default_factory=dict)
    _kept: dict[str, Any] = field(default_factory=dict)  # messages that the server sends once and then names
    _page: str = ""
    _path: str = ""
    _query: str = ""

    async def __aenter__(self) -> Self:
        headers = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            if self.cookies
            else {}
        )
        self._socket = await websockets.connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=_LARGEST,
            additional_headers=headers,
            open_timeout=120,
            ping_interval=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    # --- what a visitor does --------------------------------------------------------------------------------

    async def open(self, path: str = "", query: str = "", timeout: float = 300) -> float:
        """Go to a page of the app. Seconds until its script has ended."""
        self._path, self._query, self._page = path, query, ""
        self._states.clear()
        return await self._run({}, timeout)

    async def click(self, label: str, timeout: float = 300) -> float:
        """Press a button. Seconds until the script has ended."""
        return await self._run({self.find("button", label).id: {"trigger_value": True}}, timeout)

    async def choose(self, label: str, option: str, timeout: float = 300) -> float:
        """Choose in a segmented control."""
        group = self.find("button_group", label)
        return await self._set(group.id, timeout, string_array_value=option)

    async def enter(self, kind: str, label: str, timeout: float = 300, **value: Any) -> float:
        """Change another widget, such as `enter("slider", "Smoothing", double_array_value=[0.5])`."""
        return await self._set(self.find(kind, label).id, timeout, **value)

    async def again(self, timeout: float = 300) -> float:
        """Let the page run once more as it is."""
        return await self._run({}, timeout)

    # --- what stands on the page ----------------------------------------------------------------------------

    def find(self, kind: str, label: str) -> Any:
        """The element of that kind with that label; LookupError where it is not on the page."""
        found = [getattr(e, kind) for e in self.elements.values() if e.WhichOneof("type") == kind]
        for one in found:
            if one.label == label:
                return one
        raise LookupError(f"no {kind} {label!r} among {[one.label for one in found]}")

    def text(self) -> str:
        """All that the page says in words, without the insides of charts and tables."""
        parts = []
        for element in self.elements.values():
            kind = element.WhichOneof("type")
            one = getattr(element, kind) if kind else None
            parts += [
                str(getattr(one, name))
                for name in ("body", "label", "text")
                if one is not None and isinstance(getattr(one, name, None), str)
            ]
        return "\n".join(parts)

    def errors(self) -> list[str]:
        """Boxes of errors, and exceptions."""
        found = []
        for element in self.elements.values():
            if element.WhichOneof("type") == "alert" and element.alert.format == element.alert.ERROR:
                found.append(element.alert.body)
            elif element.WhichOneof("type") == "exception":
                found.append(f"{element.exception.type}: {element.exception.message}")
        return found

    # --- the protocol ---------------------------------------------------------------------------------------

    async def _set(self, widget: str, timeout: float, **value: Any) -> float:
        self._states[widget] = value
        return await self._run({}, timeout)

    async def _run(self, triggers: dict[str, dict[str, Any]], timeout: float) -> float:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.page_name = self._query, self._page, self._path
        for name, value in (self._states | triggers).items():
            one = state.widget_states.widgets.add(id=name)
            for key, given in value.items():
                if key.endswith("_array_value"):
                    getattr(one, key).data.extend([given] if isinstance(given, str) else given)
                else:
                    setattr(one, key, given)
        begun = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        try:
            await asyncio.wait_for(self._until_it_ends(), timeout)
        except TimeoutError:
            self.lost += 1
        return time.perf_counter() - begun

    async def _until_it_ends(self) -> None:
        begun = False
        fresh: dict[tuple[int, ...], Any] = {}
        while True:
            message = ForwardMsg.FromString(await self._socket.recv())  # type: ignore[arg-type]
            kind = message.WhichOneof("type")
            if kind == "ref_hash":
                place = tuple(message.metadata.delta_path)
                message = self._kept[message.ref_hash]
                kind = message.WhichOneof("type")
            else:
                place = tuple(message.metadata.delta_path)
                if message.metadata.cacheable:
                    self._kept[message.hash] = message
            if kind == "new_session":
                begun, fresh = True, {}
                self._page = message.new_session.page_script_hash
            elif kind == "navigation":
                self._page = message.navigation.page_script_hash
            elif kind == "page_info_changed":
                self._query = message.page_info_changed.query_string
            elif kind == "delta" and begun:
                if message.delta.WhichOneof("type") == "new_element":
                    fresh[place] = message.delta.new_element
            elif kind == "script_finished" and begun:
                if message.script_finished == message.FINISHED_EARLY_FOR_RERUN:
                    continue  # the script asked for another run, which comes
                if message.script_finished != message.FINISHED_SUCCESSFULLY:
                    self.lost += 1
                self.elements = fresh
                return
