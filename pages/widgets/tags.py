"""Tags on faces: boxes that change them, for one face or for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from fer_core.data import Dataset
from fer_core.errors import FerError
from fer_core.quality.tags import Tags
from fer_core.wording import plural
from pages.session import visitor
from pages.session.foreign_text import plain

_ERROR = "tags_error"
_VERSION = "tags_turn"
_TAG_BYTES = 200  # of one tag on one face in the file, with its index
_PLACEHOLDER = "Choose a tag or type a new one"


def names(tags: Mapping[int, Sequence[str]]) -> list[str]:
    """Return the different tags of a data set in alphabetical order."""
    return sorted({tag for some in tags.values() for tag in some})


def in_words(tags: Sequence[str]) -> str:
    """Return the tags of a face as a line below it; empty without tags."""
    return f"🏷 {', '.join(tags)}" if tags else ""


def for_one(data: Dataset, index: int, key: str) -> None:
    """Draw the tags of one face in a box that adds and removes them.

    Args:
        data: The data set.
        index: Position of the face.
        key: Begins the key of the box.
    """
    all_tags = Tags(data).all()
    current = list(all_tags.get(index, ()))
    box = f"{key}_tags_{data.fingerprint}_{data.rows[index]}_{version()}"

    def changed() -> None:
        chosen = st.session_state[box]
        added = [tag for tag in chosen if tag not in current]
        removed = [tag for tag in current if tag not in chosen]
        if not _change(data, [index], added, removed):
            _draw_anew()

    st.multiselect(
        "Tags",
        names(all_tags),
        default=current,
        key=box,
        accept_new_options=True,
        placeholder=_PLACEHOLDER,
        on_change=changed,
        help="Your own words, such as “glasses”; the gallery of the Dataset page filters by them.",
    )
    show_error()


def for_several(data: Dataset, chosen: Sequence[int], key: str) -> None:
    """Draw a box of tags, and buttons that add them to the selected faces or remove them."""
    box = f"{key}_tags_{version()}"

    def change(change_tags: Callable[[Sequence[str]], bool]) -> None:
        if change_tags(st.session_state[box]):
            _draw_anew()

    with st.container(border=True, horizontal=True, vertical_alignment="bottom", gap="small"):
        tags = st.multiselect(
            "Tags",
            names(Tags(data).all()),
            key=box,
            accept_new_options=True,
            placeholder=_PLACEHOLDER,
            width=320,
            help="Your own words, such as “glasses” or “blurred”.",
        )
        st.button(
            f"Add to {plural(len(chosen), 'face')}",
            key=f"{key}_add_tags",
            icon=":material/new_label:",
            disabled=not (tags and chosen),
            on_click=change,
            args=(lambda tags: _change(data, chosen, tags, ()),),
        )
        st.button(
            "Remove",
            key=f"{key}_remove_tags",
            icon=":material/label_off:",
            disabled=not (tags and chosen),
            on_click=change,
            args=(lambda tags: _change(data, chosen, (), tags),),
        )
    show_error()


def version() -> int:
    """Return a number that grows with each change: a new key clears what was selected."""
    return int(st.session_state.get(_VERSION, 1))


def show_error() -> None:
    """Show once the error of a callback."""
    if message := st.session_state.pop(_ERROR, None):
        st.error(plain(visitor.hide_folders(message)), icon=":material/error:")


def _draw_anew() -> None:
    st.session_state[_VERSION] = version() + 1


def _change(data: Dataset, indices: Sequence[int], added: Sequence[str], removed: Sequence[str]) -> bool:
    tags = Tags(data)
    try:
        if added:
            visitor.check_space(_TAG_BYTES * len(indices) * len(added))
        for tag in added:
            tags.add(indices, tag)
        for tag in removed:
            tags.remove(indices, tag)
    except FerError as error:
        st.session_state[_ERROR] = str(error)
        return False
    return True
