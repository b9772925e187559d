"""The boxes that choose the data set of all pages: a listed one, drawn faces, a path, or an upload."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from fer_core.data import readers
from fer_core.errors import DataError, FerError
from fer_core.label_options import LabelOptions, join_source, split_source
from fer_core.label_orders import TITLES
from pages.session import data_source, kept_labels, source_link, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import code, plain
from pages.widgets import source_picker

_EMBEDDED, _FOLDER, _UPLOAD = "Embedded", "Data folder", "Upload"


def show() -> None:
    """Draw the boxes; a source that cannot be read leaves the current one in place."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source_picker.show("dataset_source")
        other = st.popover(
            "Other data",
            icon=":material/database:",
            help="Drawn faces, a path, or an upload.",
            width="content",
        )
    with other:
        origin = st.segmented_control(
            "Take the images from",
            [_EMBEDDED, _FOLDER, _UPLOAD],
            default=_EMBEDDED,
            required=True,
            key="source_way",
            label_visibility="collapsed",
        )
        if origin == _EMBEDDED:
            _embedded()
        elif origin == _FOLDER:
            _folder()
        else:
            _upload()


def _embedded() -> None:
    st.caption(
        "Faces drawn from parameters, in all seven expressions: nothing to download, and a network learns "
        "them within a minute."
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
        help="Share of the labels that are replaced by another class.",
    )
    imbalance = columns[3].slider(
        "Imbalance",
        1,
        20,
        1,
        key="source_imbalance",
        help="The most frequent class has this many times as many images as the rarest.",
    )
    knobs = "&".join([f"label_noise={noise:g}"] * (noise > 0) + [f"imbalance={imbalance}"] * (imbalance > 1))
    default = (count, seed) == (3500, 0) and not knobs
    if st.button("Use these faces", key="source_use_synthetic", icon=":material/check:"):
        _use(data_source.DEFAULT if default else f"synthetic:{count}:{seed}{'?' + knobs if knobs else ''}")


def _folder() -> None:
    folder = data_source.folder()
    if data_source.own_folder() == folder:
        st.caption(f"Files and folders below {code(folder)} (set FER_DATA_DIR to use another folder).")
    else:
        st.caption("The data of this server, and your own.")
    path = st.selectbox(
        "Path",
        source_link.listed(),
        index=None,
        key="source_path",
        accept_new_options=True,
        placeholder="Choose one, or type a path in the data folder",
    )
    order = _order("source_path_order")
    clicked = st.button("Use this path", key="source_use_path", icon=":material/check:", disabled=not path)
    if clicked and path:
        with errors_shown(stop=False):
            _use(_ordered(source_link.source_of(path), order))


def _upload() -> None:
    folder = data_source.own_folder() / "uploads"
    where = visitor.shown_path(folder)
    st.caption(
        f"A {plain(_forms())} file, or a zip or tar of such files or of pictures. It is stored in "
        f"{code(where)}, so that training runs can read it."
    )
    upload = st.file_uploader(
        "Data set",
        type=[s[1:] for s in sorted(readers.SUFFIXES)],
        key="source_upload",
        max_upload_size=visitor.upload_megabytes(st.get_option("server.maxUploadSize")),
    )
    if upload is None:
        return
    # not getbuffer(): with an error in flight it crashes Python 3.12.1's garbage collector
    content = upload.getvalue()
    name, digest = Path(upload.name), hashlib.sha256(content).hexdigest()[:8]
    path = folder / f"{name.stem[:40]}-{digest}{name.suffix.lower()}"
    if str(path) == split_source(data_source.current())[0]:
        return
    order = _order("source_upload_order")
    if st.button("Use this upload", key="source_use_upload", icon=":material/check:"):
        with errors_shown(stop=False):
            visitor.check_upload(upload.name, content)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError as error:
                raise DataError(f"The upload cannot be stored in {where}: {error.strerror}.") from None
            try:
                _use(_ordered(kept_labels.source(str(path)), order))
            except FerError:
                path.unlink(missing_ok=True)  # a file that cannot be read is of no use
                raise


def _order(key: str) -> str | None:
    """Draw the box for the order of labels that are numbers, and return the chosen one."""
    return st.selectbox(
        "Order of labels that are numbers",
        list(TITLES),
        index=None,
        key=key,
        format_func=lambda order: TITLES.get(order, order),
        accept_new_options=True,
        placeholder="By the names in the data, else FER2013's",
        help="Choose an order, or type a name for each number from 0, such as happy,sad,-,angry.",
    )


def _ordered(source: str, order: str | None) -> str:
    """Return the source with a chosen order of its labels."""
    return join_source(split_source(source)[0], LabelOptions(order)) if order else source


def _forms() -> str:
    """Return the forms of data files, such as "csv, parquet or npz"."""
    *others, last = dict.fromkeys(reader.suffixes[0].removeprefix(".") for reader in readers.READERS)
    return f"{', '.join(others)} or {last}"


def _use(value: str) -> None:
    data_source.choose(value)
    st.rerun()
