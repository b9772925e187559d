"""Choose the data set that all pages work on: the embedded one, a path below the data folder, or an upload."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import streamlit as st

from fer_core.data.recipe import SUFFIX
from fer_core.errors import DataError, FerError

from . import state, visitor

_SUFFIXES = {".csv", ".zip", ".parquet", ".npz"}
_SYNTHETIC = re.compile(
    r"synthetic(:\d{1,5}){0,2}(\?[\w.=&]*)?"
)  # not more faces than a server draws at once
_PARAMETER = "source"
_MINE = "mine/"  # what a visitor's own data are called in a hosted app
_EMBEDDED, _FOLDER, _UPLOAD = "Embedded", "Data folder", "Upload"


def show() -> None:
    """The choice as an expander; a source that cannot be read leaves the present one in place."""
    _follow_link()
    with st.expander(f"Source: **{state.source_name(state.source())}**", icon=":material/database:"):
        way = st.segmented_control(
            "Take the images from",
            [_EMBEDDED, _FOLDER, _UPLOAD],
            default=_EMBEDDED,
            required=True,
            key="source_way",
            label_visibility="collapsed",
        )
        if way == _EMBEDDED:
            _embedded()
        elif way == _FOLDER:
            _folder()
        else:
            _upload()


def _follow_link() -> None:
    """Take the source that the address names, and let the address name the present one, so that a link shows the same data."""
    asked = st.query_params.get(_PARAMETER)
    if asked is not None and asked != st.session_state.get("source_linked"):  # once: then the boxes decide
        with state.errors_shown(stop=False):
            state.use_source(asked if _SYNTHETIC.fullmatch(asked) else str(_named(asked)))
    value = state.source()
    named = (
        _name(Path(value))
        if not _SYNTHETIC.fullmatch(value)
        else value
        if value != state.DEFAULT_SOURCE
        else None
    )
    st.session_state["source_linked"] = named
    if named is None:
        st.query_params.pop(_PARAMETER, None)
    elif st.query_params.get(_PARAMETER) != named:
        st.query_params[_PARAMETER] = named


def _embedded() -> None:
    st.caption(
        "Faces drawn from parameters in the seven expressions: nothing to download, and a network learns them within a minute."
    )
    columns = st.columns(4)
    count = columns[0].number_input("Faces", 70, 50_000, 3500, step=500, key="source_count")
    seed = columns[1].number_input("Seed", 0, 10_000, 0, key="source_seed")
    noise = columns[2].slider(
        "Label noise",
        0.0,
        0.5,
        0.0,
        0.05,
        key="source_noise",
        help="Share of the labels that are replaced by another one.",
    )
    imbalance = columns[3].slider(
        "Imbalance",
        1,
        20,
        1,
        key="source_imbalance",
        help="The most frequent class has this many times the images of the rarest.",
    )
    knobs = "&".join([f"label_noise={noise:g}"] * (noise > 0) + [f"imbalance={imbalance}"] * (imbalance > 1))
    plain = (count, seed) == (3500, 0) and not knobs
    if st.button("Use these faces", key="source_use_synthetic", icon=":material/check:"):
        _use(state.DEFAULT_SOURCE if plain else f"synthetic:{count}:{seed}{'?' + knobs if knobs else ''}")


def _folder() -> None:
    folder, own = state.data_folder(), state.own_folder()
    found = _sources(folder)
    if own == folder:
        st.caption(f"Files and folders below `{folder}` (set FER_DATA_DIR to use another folder).")
    else:
        found = [name for name in found if not name.startswith("uploads/")] + [
            f"{_MINE}{name}" for name in _sources(own)
        ]
        st.caption("The data of this server, and what you brought.")
    path = st.selectbox(
        "Path",
        found,
        index=None,
        key="source_path",
        accept_new_options=True,
        placeholder="Choose one, or type a path below the data folder",
    )
    if st.button("Use this path", key="source_use_path", icon=":material/check:", disabled=not path):
        with state.errors_shown(stop=False):
            _use(str(_named(path)))


def _named(name: str) -> Path:
    """The path that a name in a link or in the box means: below the data folder, or in a hosted app below the visitor's own.

    Raises:
        DataError: it lies elsewhere, or there is nothing.
    """
    folder, own = state.data_folder(), state.own_folder()
    if own == folder:
        return below(folder, name)
    path = own / name.removeprefix(_MINE) if name.startswith(_MINE) else folder / name
    visitor.check_source(name if name.startswith("kaggle:") else str(path))
    if not path.exists():
        raise DataError(f"{name} is not there (any more): choose one that is listed, or upload the data.")
    return path.resolve()


def _name(path: Path) -> str | None:
    """What a link calls it; None where no link can."""
    folder, own = state.data_folder(), state.own_folder()
    if own != folder and path.is_relative_to(own):
        return _MINE + path.relative_to(own).as_posix()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None


def below(folder: Path, path: str) -> Path:
    """`path` inside `folder`.

    Raises:
        DataError: it leads outside the folder, or there is nothing.
    """
    full = (folder / path).resolve()
    if not full.is_relative_to(folder):
        raise DataError(
            f"{path} lies outside the data folder {folder}: move the data there, or start the app with another FER_DATA_DIR."
        )
    if not full.exists():
        raise DataError(f"{path} does not exist below {folder}.")
    return full


def _sources(folder: Path) -> list[str]:
    """The top of the data folder: what may be a data set."""
    if not folder.is_dir():
        return []
    entries = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    uploads = sorted((folder / "uploads").glob("*")) if (folder / "uploads").is_dir() else []
    return [
        p.relative_to(folder).as_posix()
        for p in (*entries, *uploads)
        if (p.is_dir() or p.suffix.lower() in _SUFFIXES or p.name.endswith(SUFFIX))
        and p.name != "uploads"
        and not (p.parent.name == "uploads" and p.name.startswith("votes-"))  # which belong to a data set
    ]


def _upload() -> None:
    folder = state.own_folder() / "uploads"
    where = visitor.shown_path(folder)
    st.caption(
        f"CSV, parquet or npz, or a zip of any form. It is kept in `{where}`, so that training runs can read it later."
    )
    upload = st.file_uploader(
        "Data set",
        type=[s[1:] for s in sorted(_SUFFIXES)],
        key="source_upload",
        max_upload_size=visitor.upload_megabytes(st.get_option("server.maxUploadSize")),
    )
    if upload is None:
        return
    content = (
        upload.getvalue()
    )  # not getbuffer(): with an error in flight it crashes Python 3.12.1's garbage collector
    path = (
        folder
        / f"{Path(upload.name).stem[:40]}-{hashlib.sha256(content).hexdigest()[:8]}{Path(upload.name).suffix.lower()}"
    )
    if str(path) == state.source():
        return
    if st.button("Use this upload", key="source_use_upload", icon=":material/check:"):
        with state.errors_shown(stop=False):
            visitor.check_upload(upload.name, content)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError as error:
                raise DataError(f"The upload cannot be kept in {where}: {error.strerror}.") from None
            try:
                _use(str(path))
            except FerError:
                path.unlink(missing_ok=True)  # nothing else refers to a file that cannot be read
                raise


def _use(value: str) -> None:
    state.use_source(value)
    st.rerun()
