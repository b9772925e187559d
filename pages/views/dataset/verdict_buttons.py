"""Buttons for a verdict on the label of one face or of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from fer_core.emotions import EMOJI, NAMES
from fer_core.errors import FerError
from pages.session import face_link
from pages.session.foreign_text import plain
from pages.widgets import face_grid

from .dataset_view import DatasetView, in_words

_ERROR = "dataset_verdict_error"
_VERSION = "dataset_verdict_turn"
_ASKED = "dataset_verdict_asked"
_SHOWN = 120  # faces of the question
_AT_ONCE = 12  # faces that are on the screen together, on a phone too; more are judged after a question
KEYS = (
    "**Y** right · **1** to **7** another class · **A** ambiguous · **N** not a face · **U** undo · **←** "
    "**→** other faces"
)


def for_one(dataset: DatasetView, index: int, after: Callable[[], None], undone: Callable[[], None]) -> None:
    """Draw the verdict on one face, and buttons with shortcuts to change it.

    Args:
        dataset: The data set.
        index: Position of the face.
        after: Called after a verdict was given.
        undone: Called after a verdict was undone.
    """
    label = dataset.label(index)
    verdict = dataset.current_verdicts().get(index)
    words = in_words(verdict, label)
    st.markdown(f"Your verdict: **{plain(words)}**" if words else "Is the label right?")
    if dataset.split(index) != "train" and "train" in dataset.data.split_names():
        st.caption(
            f"This face is in {plain(dataset.split(index))}: its verdict counts only in a cleaned variant of "
            "that split, and not in one of train alone, the default."
        )

    def give(kind: str, name: str | None = None) -> None:
        if _give(dataset, [index], kind, name):
            after()

    with st.container(horizontal=True, gap="small"):
        st.button(
            "Right",
            key="dataset_right",
            icon=":material/check:",
            shortcut="Y",
            on_click=give,
            args=("right",),
            disabled=label not in NAMES,
        )
        st.button(
            "Ambiguous",
            key="dataset_ambiguous",
            icon=":material/help:",
            shortcut="A",
            on_click=give,
            args=("ambiguous",),
        )
        st.button(
            "Not a face",
            key="dataset_no_face",
            icon=":material/block:",
            shortcut="N",
            on_click=give,
            args=("not a face",),
        )
        st.button(
            "Undo",
            key="dataset_undo",
            icon=":material/undo:",
            shortcut="U",
            type="tertiary",
            on_click=_undo,
            args=(dataset, undone),
        )
    st.caption("Wrong; the face is")
    with st.container(horizontal=True, gap="small"):
        for number, name in enumerate(NAMES, 1):
            if name != label:
                st.button(
                    f"{EMOJI[name]} {name}",
                    key=f"dataset_is_{name}",
                    shortcut=str(number),
                    on_click=give,
                    args=("wrong", name),
                )
    show_error()


def for_several(dataset: DatasetView, chosen: Sequence[int], on_page: np.ndarray) -> None:
    """Draw buttons that give all selected faces the same verdict; Undo takes back all of them.

    More faces than are seen together are shown in a question first.
    """
    with st.container(border=True):
        if not chosen:
            st.caption(f"Click faces to select them; {len(on_page)} are on this page.")
        else:
            st.markdown(f"**{len(chosen)} selected**")
        with st.container(horizontal=True, gap="small"):
            for label, icon, kind in (
                ("Right", "check", "right"),
                ("Ambiguous", "help", "ambiguous"),
                ("Not a face", "block", "not a face"),
            ):
                st.button(
                    label,
                    key=f"dataset_many_{kind}",
                    icon=f":material/{icon}:",
                    disabled=not chosen,
                    on_click=_ask_or_give,
                    args=(dataset, chosen, kind),
                )
            with st.popover("Wrong; they are", icon=":material/close:", disabled=not chosen):
                for name in NAMES:
                    st.button(
                        f"{EMOJI[name]} {name}",
                        key=f"dataset_many_{name}",
                        on_click=_ask_or_give,
                        args=(dataset, chosen, "wrong", name),
                    )
            st.button(
                "Undo",
                key="dataset_many_undo",
                icon=":material/undo:",
                type="tertiary",
                on_click=_undo,
                args=(dataset,),
            )
        show_error()
    asked = st.session_state.pop(_ASKED, None)
    if asked is not None and face_link.requested() is None:  # a page has at most one dialog
        kind, right_label = asked
        st.dialog("Judge all these faces?", width="large", icon=":material/gavel:")(_ask)(
            dataset, chosen, kind, right_label
        )


def selection_version() -> int:
    """Return a number that grows with each verdict on several faces: a new key clears the selection."""
    return int(st.session_state.get(_VERSION, 1))


def show_error() -> None:
    """Show once the error of a callback."""
    if message := st.session_state.pop(_ERROR, None):
        st.error(plain(message), icon=":material/error:")


def _give(dataset: DatasetView, indices: Sequence[int], kind: str, name: str | None = None) -> bool:
    if kind == "wrong":  # faces that have this label already are not wrong
        indices = [i for i in indices if dataset.label(i) != name]
    try:
        if indices:
            dataset.verdicts.give(indices, kind, name)
    except FerError as error:
        st.session_state[_ERROR] = str(error)
        return False
    return True


def _ask_or_give(dataset: DatasetView, indices: Sequence[int], kind: str, name: str | None = None) -> None:
    if len(indices) > _AT_ONCE:
        st.session_state[_ASKED] = kind, name
    else:
        _give_many(dataset, indices, kind, name)


def _ask(dataset: DatasetView, indices: Sequence[int], kind: str, name: str | None) -> None:
    words = f"wrong, they are {name}" if name else kind
    st.markdown(
        f"**{len(indices):,} faces** get the verdict **{plain(words)}**. Undo takes back all of them."
    )
    shown = [face_grid.Face(i, dataset.data.images[i], dataset.label(i)) for i in indices[:_SHOWN]]
    if len(indices) > _SHOWN:
        st.caption(f"The first {_SHOWN} are shown.")
    with st.container(height=380 if len(shown) > 2 * _AT_ONCE else "content", border=False):
        face_grid.show(shown, "dataset_asked_faces", min_width=64)
    with st.container(horizontal=True):
        clicked = st.button(
            f"Judge {len(indices):,} faces",
            key="dataset_judge_all",
            type="primary",
            icon=":material/gavel:",
            on_click=_give_many,
            args=(dataset, indices, kind, name),
        )
        if st.button("Cancel", key="dataset_judge_none") or clicked:
            st.rerun()


def _give_many(dataset: DatasetView, indices: Sequence[int], kind: str, name: str | None = None) -> None:
    if _give(dataset, indices, kind, name):
        st.session_state[_VERSION] = selection_version() + 1


def _undo(dataset: DatasetView, undone: Callable[[], None] | None = None) -> None:
    try:
        if dataset.verdicts.undo():
            if undone is not None:
                undone()
        else:
            st.session_state[_ERROR] = "There is no verdict to undo."
    except FerError as error:
        st.session_state[_ERROR] = str(error)
