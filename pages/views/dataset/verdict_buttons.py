"""Buttons to say what is right or wrong with the label of one face, or of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from fer_core.emotions import EMOJI, NAMES
from fer_core.errors import FerError

from .facts import Facts, in_words

_ERROR = "dataset_verdict_error"
_TURN = "dataset_verdict_turn"
KEYS = "**Y** right · **1** to **7** what it is instead · **A** ambiguous · **N** not a face · **U** undo · **←** **→** other faces"


def for_one(facts: Facts, index: int, after: Callable[[], None], undone: Callable[[], None]) -> None:
    """The verdict of one face, and buttons with keys to give another.

    Args:
        after: called when a verdict was given; `undone`, when one was taken back.
    """
    label = facts.label(index)
    verdict = facts.judged().get(index)
    st.markdown("Is the label right?" if verdict is None else f"Your verdict: **{in_words(verdict)}**")

    def give(kind: str, name: str | None = None) -> None:
        if _give(facts, [index], kind, name):
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
            args=(facts, undone),
        )
    st.caption("Wrong, it is")
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


def for_several(facts: Facts, chosen: Sequence[int], on_page: np.ndarray) -> None:
    """Buttons that give all chosen faces one verdict, in one step that is undone as one."""
    with st.container(border=True):
        if not chosen:
            st.caption(f"Click faces to choose them; {len(on_page)} are on this page.")
        else:
            st.markdown(f"**{len(chosen)} chosen**")
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
                    on_click=_give_many,
                    args=(facts, chosen, kind),
                )
            with st.popover("Wrong, they are", icon=":material/close:", disabled=not chosen):
                for name in NAMES:
                    st.button(
                        f"{EMOJI[name]} {name}",
                        key=f"dataset_many_{name}",
                        on_click=_give_many,
                        args=(facts, chosen, "wrong", name),
                    )
            st.button(
                "Undo",
                key="dataset_many_undo",
                icon=":material/undo:",
                type="tertiary",
                on_click=_undo,
                args=(facts,),
            )
        show_error()


def turn() -> int:
    """How often several faces got a verdict: with a new key for each turn, none is chosen any more. From 1 on."""
    return int(st.session_state.get(_TURN, 1))


def show_error() -> None:
    """What went wrong in a callback, once."""
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")


def _give(facts: Facts, indices: Sequence[int], kind: str, name: str | None = None) -> bool:
    if kind == "wrong":  # those that are called so already are not wrong
        indices = [i for i in indices if facts.label(i) != name]
    try:
        if indices:
            facts.verdicts.give(indices, kind, name)
    except FerError as error:
        st.session_state[_ERROR] = str(error)
        return False
    return True


def _give_many(facts: Facts, indices: Sequence[int], kind: str, name: str | None = None) -> None:
    if _give(facts, indices, kind, name):
        st.session_state[_TURN] = turn() + 1


def _undo(facts: Facts, undone: Callable[[], None] | None = None) -> None:
    try:
        if facts.verdicts.undo():
            if undone is not None:
                undone()
        else:
            st.session_state[_ERROR] = "There is no verdict left to undo."
    except FerError as error:
        st.session_state[_ERROR] = str(error)
