"""Files that a visitor gave to a page: they stay in memory while the visitor looks at other views and pages.

Streamlit forgets an upload as soon as its box is not drawn.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core.wording import plural

from .foreign_text import plain

START_PHOTO = "start_photo"  # the box of the start page, whose photo is on Predict too
_NAMED = 5  # files whose names are shown


@dataclass(frozen=True)
class KeptFile:
    """A file in memory."""

    name: str
    content: bytes
    file_id: str


@dataclass(eq=False)
class KeptFiles:
    """The files that were given to one box."""

    session: str
    files: dict[str, KeptFile] = field(default_factory=dict)  # by id
    listed: set[str] = field(default_factory=set)  # ids of the files that the box itself lists
    turn: int = 0  # number of the box; a new one is empty


_all: weakref.WeakSet[KeptFiles] = weakref.WeakSet()  # of all sessions, each as long as its session


def upload(label: str, key: str, **options: Any) -> list[KeptFile]:
    """Draw an upload box and return the files that were given to it, now or before.

    Args:
        label: Label of the box.
        key: Key of the box, and name of its files.
        **options: Passed to `st.file_uploader`.
    """
    kept = _kept(key)
    widget = _widget(key, kept.turn)
    shown = st.file_uploader(plain(label), key=widget, on_change=_update, args=(key, widget), **options)
    kept.listed = {file.file_id for file in _as_list(shown)}
    return list(kept.files.values())


def camera(label: str, key: str) -> list[KeptFile]:
    """Draw a camera and return its last snapshot, taken now or before."""
    kept = _kept(key)
    widget = _widget(key, kept.turn)
    shown = st.camera_input(plain(label), key=widget, on_change=_update, args=(key, widget))
    kept.listed = {file.file_id for file in _as_list(shown)}
    return list(kept.files.values())


def files(key: str) -> list[KeptFile]:
    """Return the files that were given to a box, on any page."""
    return list(_kept(key).files.values())


def show_clear(*keys: str) -> None:
    """Draw the names of the files of some boxes, and the button that forgets them; nothing without files."""
    names = [file.name for key in keys for file in files(key)]
    if not names:
        return
    more = [f"and {len(names) - _NAMED:,} more"] if len(names) > _NAMED else []
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{plural(len(names), 'file')} in memory: {plain(', '.join([*names[:_NAMED], *more]))}",
            width="stretch",
        )
        st.button("Clear", icon=":material/delete:", key=f"{keys[0]}_clear", on_click=clear, args=keys)


def clear(*keys: str) -> None:
    """Forget the files of some boxes; for callbacks."""
    for key in keys:
        kept = _kept(key)
        kept.files.clear()
        kept.listed.clear()
        kept.turn += 1


def sizes() -> dict[str, dict[str, int]]:
    """Return the bytes of the kept files of all sessions, by session and id."""
    bytes_by_session: dict[str, dict[str, int]] = {}
    for kept in list(_all):
        bytes_by_session.setdefault(kept.session, {}).update(
            {file_id: len(file.content) for file_id, file in list(kept.files.items())}
        )
    return bytes_by_session


def _kept(key: str) -> KeptFiles:
    name = f"{key}_kept"
    if name not in st.session_state:
        context = get_script_run_ctx(suppress_warning=True)
        st.session_state[name] = KeptFiles("" if context is None else context.session_id)
        _all.add(st.session_state[name])
    kept: KeptFiles = st.session_state[name]
    return kept


def _widget(key: str, turn: int) -> str:
    return f"{key}_{turn}" if turn else key


def _update(key: str, widget: str) -> None:
    """Keep what was added to the box, and forget what was removed from it."""
    kept, given = _kept(key), st.session_state[widget]
    now = {file.file_id: file for file in _as_list(given)}
    gone = kept.listed - set(now)
    if not isinstance(given, Sequence):  # a box for one file, which replaces the one before
        gone = set(kept.files)
    for file_id in gone - set(now):
        kept.files.pop(file_id, None)
    for file_id, file in now.items():
        if file_id not in kept.files:
            kept.files[file_id] = KeptFile(file.name, file.getvalue(), file_id)


def _as_list(given: Any) -> list[Any]:
    return [] if given is None else list(given) if isinstance(given, Sequence) else [given]
