"""The small box that chooses the data set of all pages among the embedded faces and the data folder."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import FerError
from pages.session import data_source, source_link, visitor
from pages.session.errors import sentence
from pages.session.foreign_text import plain

_PROBLEM, _DRAWN = "source_picker_problem", "source_picker_drawn"


def options() -> list[str]:
    """Return the names of the sources on offer, as in a link; the embedded faces come first."""
    return [data_source.DEFAULT, *source_link.listed()]


def label(name: str) -> str:
    """Return a name of `options` as it is shown."""
    return plain(data_source.display_name(data_source.DEFAULT) if name == data_source.DEFAULT else name)


def show(key: str) -> None:
    """Draw the box; choosing a source runs the page again with it.

    Args:
        key: The prefix of the box's key, different on each page.
    """
    current = data_source.current()
    names = options()
    here = source_link.name_of(current) or current
    if here not in names:
        names.insert(0, here)
    # A new key draws the box again with the current source, also where the chosen one could not be read.
    version = st.session_state.setdefault(_DRAWN, 0)
    chosen = st.selectbox(
        "Data",
        names,
        index=names.index(here),
        key=f"{key}_{version}_{here}",
        format_func=lambda name: label(name) if name != here else plain(data_source.display_name(current)),
        help="The data set of all pages. More ways to choose one are on the Dataset page.",
    )
    if chosen != here:
        use(chosen)
    show_problem()


def use(name: str) -> None:
    """Choose a source by its name in a link and run the page again, which names one that cannot be read."""
    try:
        data_source.choose(name if name == data_source.DEFAULT else source_link.source_of(name))
    except (FerError, OSError) as error:
        st.session_state[_PROBLEM] = visitor.hide_folders(sentence(error))
    st.session_state[_DRAWN] = st.session_state.get(_DRAWN, 0) + 1
    st.rerun()


def show_problem() -> None:
    """Show once why the chosen source could not be read."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
