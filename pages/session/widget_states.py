"""Values of widgets while two runs of one session overlap."""

from __future__ import annotations

from collections.abc import Iterator

from streamlit.runtime.state.session_state import WStates


def iterate_over_copies() -> None:
    """Let a run look for changed widgets while the run before still adds one.

    In Streamlit 1.67 a changed widget starts a run in a new thread, and the run before goes on until its next
    command. They share the values, but not the lock: the new run could end with "dictionary changed size
    during iteration", and the page lost its widgets, a live video too.
    """
    WStates.__iter__ = _keys  # type: ignore[method-assign]


def _keys(states: WStates) -> Iterator[str]:
    return iter(list(states.states))
