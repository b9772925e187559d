"""The values of widgets while two runs of a session overlap."""

from __future__ import annotations

from collections.abc import Iterator

from streamlit.runtime.state.session_state import WStates


def iterate_over_copies() -> None:
    """Let a run look for changed widgets while the previous run still adds one.

    In Streamlit 1.67 a changed widget starts a run in a new thread, and the previous run goes on until its
    next command. Both use the same values, each with a lock of its own. The new run could fail with
    "dictionary changed size during iteration", and the page lost its widgets, including a live video.
    """
    WStates.__iter__ = _keys  # type: ignore[method-assign]


def _keys(states: WStates) -> Iterator[str]:
    return iter(list(states.states))
