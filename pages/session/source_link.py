"""`?source=NAME` in the address of a page: the data set that all pages work on."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from fer_core.data import readers, votes
from fer_core.data.recipe import SUFFIX
from fer_core.errors import DataError
from fer_core.label_options import LabelOptions, join_source, split_source

from . import data_source, kept_labels, visitor
from .errors import errors_shown

PARAMETER = "source"
MINE = "mine/"  # prefix of a visitor's own data in a hosted app
_LINKED = "source_linked"
# at most as many faces as a server should draw
_SYNTHETIC = re.compile(r"synthetic(:\d{1,5}){0,2}(\?[\w.=&]*)?")
_NAME_LENGTH = 1000


def follow(read: bool = True) -> None:
    """Choose the source that the address names, then name the current source in the address.

    The address decides once, when it is new to the session; from then on the boxes do. A source that cannot
    be read leaves the current one in place.

    Args:
        read: Read the data, on a page that shows them; otherwise the first page that does reads them.
    """
    linked = st.query_params.get(PARAMETER)
    if linked is not None and linked != st.session_state.get(_LINKED):
        with errors_shown(stop=False):
            data_source.choose(linked if _SYNTHETIC.fullmatch(linked) else source_of(linked), read)
    value = name_of(data_source.current()) if data_source.is_chosen() else None
    st.session_state[_LINKED] = value
    if value is None:
        st.query_params.pop(PARAMETER, None)
    elif linked != value:
        st.query_params[PARAMETER] = value


def parameters() -> dict[str, str]:
    """Return what a link to another page needs to name the current source."""
    value = name_of(data_source.current()) if data_source.is_chosen() else None
    return {} if value is None else {PARAMETER: value}


def name_of(source: str) -> str | None:
    """Return the name of a source in a link, or None where a link cannot name it."""
    if _SYNTHETIC.fullmatch(source):
        return source
    location, options = split_source(source)
    path, folder, own_folder = Path(location), data_source.folder(), data_source.own_folder()
    if own_folder != folder and path.is_relative_to(own_folder):
        name = MINE + path.relative_to(own_folder).as_posix()
    elif path.is_relative_to(folder):
        name = path.relative_to(folder).as_posix()
    else:
        return None
    return join_source(name, options)


def listed() -> list[str]:
    """Return the names of data sets in the data folder and, in a hosted app, in the visitor's own."""
    folder, own_folder = data_source.folder(), data_source.own_folder()
    names = _data_sets(folder)
    if own_folder == folder:
        return names
    return [name for name in names if not name.startswith("uploads/")] + [
        f"{MINE}{name}" for name in _data_sets(own_folder)
    ]


def _data_sets(folder: Path) -> list[str]:
    """List what may be a data set at the top of a folder."""
    if not folder.is_dir():
        return []
    entries = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    uploads = sorted((folder / "uploads").glob("*")) if (folder / "uploads").is_dir() else []
    return [
        p.relative_to(folder).as_posix()
        for p in (*entries, *uploads)
        if (p.is_dir() or p.suffix.lower() in readers.SUFFIXES or p.name.endswith(SUFFIX))
        and p.name not in ("uploads", votes.FILE_NAME)  # votes belong to a data set
        and not (p.parent.name == "uploads" and p.name.startswith("votes-"))
    ]


def source_of(name: str) -> str:
    """Return the source for a name in a link or in the box; a known one with the order that was kept for it.

    Raises:
        DataError: See `path_of`.
    """
    location, options = split_source(name)
    source = str(path_of(location))
    return kept_labels.source(source) if options == LabelOptions() else join_source(source, options)


def path_of(name: str) -> Path:
    """Return the path for a name in a link or in the box, in the data folder or the visitor's own folder.

    Raises:
        DataError: The path is outside these folders, or does not exist.
    """
    folder, own_folder = data_source.folder(), data_source.own_folder()
    if len(name) > _NAME_LENGTH:
        raise DataError(f"A name of {len(name):,} characters is not a data set: choose a listed one.")
    if own_folder == folder:
        return below(folder, name)
    path = own_folder / name.removeprefix(MINE) if name.startswith(MINE) else folder / name
    visitor.check_source(name if name.startswith("kaggle:") else str(path))
    if not path.exists():
        raise DataError(f"{name} was not found: choose a listed one, or upload the data.")
    return path.resolve()


def below(folder: Path, path: str) -> Path:
    """Resolve `path` inside `folder`.

    Raises:
        DataError: It leads outside the folder, or does not exist.
    """
    full = (folder / path).resolve()
    if not full.is_relative_to(folder):
        raise DataError(
            f"{path} is outside the data folder {folder}: move the data there, or start the app with "
            "another FER_DATA_DIR."
        )
    if not full.exists():
        raise DataError(f"{path} does not exist below {folder}.")
    return full
