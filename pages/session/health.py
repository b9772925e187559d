"""What keeps a hosted app answering: descriptors are freed in time, and /_stcore/health tells the truth."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any

from streamlit.runtime import Runtime

from fer_core.hosting import descriptors, memory
from fer_core.hosting.settings import HostingSettings

from . import garbage

_NEEDED_DESCRIPTORS = 16  # to serve a page: sockets, the loop of a session, a file
_NEEDED_BYTES = 50_000_000
_GROWTH = 90  # descriptors since the last collection: some 30 sessions
_log = logging.getLogger("fer")
_problem = ""
_after_collection = 0


def start() -> None:
    """Raise the limit of descriptors, and let the health check of Streamlit report what runs out."""
    descriptors.raise_limit()
    if not getattr(Runtime, "_fer_health", False):
        ready = Runtime.is_ready_for_browser_connection

        async def answer(runtime: Runtime) -> tuple[bool, str]:
            return (False, _problem) if _problem else await ready.__get__(runtime)

        def checked(runtime: Runtime) -> Coroutine[Any, Any, tuple[bool, str]]:
            return answer(runtime)

        Runtime.is_ready_for_browser_connection = property(checked)  # type: ignore[assignment]
        Runtime._fer_health = True  # type: ignore[attr-defined]


def free_descriptors() -> None:
    """Close what ended sessions leave open, before it is missed.

    Each session of Streamlit 1.67 has an event loop with three descriptors. Those of ended ones are closed
    when Python's collector of cycles comes by, which may be never for a light page; those of browsers that
    have left are kept for two minutes.
    """
    global _after_collection
    taken, most = descriptors.open_now(), descriptors.limit()
    scarce = most is not None and taken > most // 2
    if not scarce and taken < _after_collection + _GROWTH:
        return
    garbage.collect()
    _after_collection = descriptors.open_now()
    if most is not None and _after_collection > most // 2:
        _close_left_sessions()


def check(settings: HostingSettings) -> None:
    """Look what runs out, for the health check."""
    global _problem
    left = descriptors.left()
    problem = ""
    if left is not None and left < _NEEDED_DESCRIPTORS:
        problem = f"Only {left} files and sockets may be opened yet: raise ulimit -n."
    elif (free := memory.free(settings.memory_mb)) < _NEEDED_BYTES:
        problem = f"Only {free / 1e6:.0f} MB of memory are left."
    if problem and not _problem:
        _log.warning("unhealthy: %s", problem)
    _problem = problem


def _close_left_sessions() -> None:
    """Close the sessions of browsers that have left, half of them, those first who left first."""
    runtime = Runtime.instance()
    manager = runtime._session_mgr
    storage = getattr(manager, "_session_storage", None)
    if storage is None:  # another version of Streamlit
        return

    def close() -> None:
        waiting = storage.list()
        for info in waiting[: (len(waiting) + 1) // 2]:
            manager.close_session(info.session.id)

    runtime._get_async_objs().eventloop.call_soon_threadsafe(close)
