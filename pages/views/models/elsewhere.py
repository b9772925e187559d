"""From elsewhere: a model file from another program becomes a model of this app."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.bundles.bundle import MODEL_SUFFIXES, Bundle
from fer_core.errors import ModelError
from fer_core.evaluation.record import source_name
from fer_core.label_options import is_drawn
from fer_core.model_import import process
from fer_core.model_import.findings import Findings, labelled_faces
from fer_core.model_import.input_values import SCALINGS, scalings_for
from fer_core.model_import.outputs import order_text, title_of
from fer_core.runs.manage import check_name
from pages.session import background, data_source, helpers, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

from . import model_link

_MAX_MB = 1000


def show(_models: object) -> None:
    """Draw the upload, what is found out about the file, and the choice of input and classes."""
    st.markdown(
        "Bring a network that was trained anywhere: a Keras file, a SavedModel folder as a zip, a LiteRT or "
        "an ONNX file. How it takes its input and orders its classes is found by trying it on labelled "
        "faces. The file is read in a process of its own, and code in it is never run."
    )
    upload = st.file_uploader(
        "Model file",
        type=[suffix.removeprefix(".") for suffix in (*MODEL_SUFFIXES, ".zip")],
        key="models_elsewhere_file",
        max_upload_size=visitor.upload_megabytes(_MAX_MB),
    )
    source = data_source.current()
    st.caption(
        f"Tried on the labelled faces of {plain(data_source.display_name(source))}, the data set that is "
        "chosen on the Dataset page."
    )
    if is_drawn(source):
        st.info(
            "Drawn faces show little about a network that learned from photos: choose a data set of photos "
            "on the Dataset page first.",
            icon=":material/face:",
        )
    if upload is None:
        return
    with errors_shown(stop=False):
        content = upload.getvalue()
        visitor.check_upload(upload.name, content)
        _examine(Path(upload.name).name, content)


def _examine(name: str, content: bytes) -> None:
    """Draw the button that looks into a file, then what was found."""
    data = data_source.dataset()
    digest = hashlib.sha256(content).hexdigest()[:16]
    look, make = (f"{what} model {digest} {data.fingerprint}" for what in ("look into", "make"))
    if background.show_progress(look, can_cancel=True):
        return
    findings: Findings | None = background.result(look)
    if findings is None:
        st.button(
            "Look into it",
            icon=":material/search:",
            type="primary",
            key="models_elsewhere_look",
            on_click=_start,
            args=(
                look,
                f"Trying {name}",
                content,
                name,
                lambda file, on_progress: process.inspect(
                    file, labelled_faces(data, source_name(data)), spawn=_spawn, on_progress=on_progress
                ),
            ),
        )
        return
    _show(findings)
    chosen = _choose(findings, digest)
    if background.show_progress(make):
        return
    made: Bundle | None = background.result(make)
    if made is not None:
        _done(made)
    elif chosen is not None:
        _make(name, content, chosen, make, digest)


def _start(
    key: str, title: str, content: bytes, name: str, work: Callable[[Path, background.OnProgress], Any]
) -> None:
    """Start a task that has the upload as a file, which is deleted when it ends."""

    def with_file(on_progress: background.OnProgress) -> Any:
        with tempfile.TemporaryDirectory(prefix="fer-upload-") as folder:
            file = Path(folder) / name
            file.write_bytes(content)
            return work(file, on_progress)

    background.start(key, title, with_file)


def _spawn(launch: Callable[[], Any]) -> Any:
    return helpers.start("The import of a model", launch)


def _show(findings: Findings) -> None:
    """Draw what the file is, and the accuracy of each try."""
    st.markdown(
        f"**{plain(findings.format)}**: takes {plain(findings.shape.words())}, gives {findings.count:,} "
        f"{plain(findings.kind)}."
    )
    if findings.warning:
        st.warning(plain(findings.warning), icon=":material/help:")
    if not findings.tries:
        return
    st.markdown(f"Accuracy on {findings.tries[0].images:,} faces, by input and order of classes")
    columns, rows = findings.table()
    table = pd.DataFrame(
        [
            {"Input": name}
            | {column: 100 * row[column] if column in row else None for column in columns}
            | {"Values": SCALINGS[name].title}
            for name, row in rows.items()
        ]
    )
    shares = {name: st.column_config.NumberColumn(format="%.1f%%") for name in columns}
    st.dataframe(table, column_config=shares, placeholder="-", hide_index=True, alt="Accuracy of the tries")


def _choose(findings: Findings, digest: str) -> Findings | None:
    """Draw the boxes for input and order, and return the findings with the choice."""
    inputs = scalings_for(findings.shape)
    orders = list(dict.fromkeys(order_text(one.classes) for one in findings.tries))
    proposed = order_text(findings.classes)
    orders = [proposed, *(order for order in orders if order != proposed)]
    left, right = st.columns(2)
    scaling = left.selectbox(
        "Input",
        inputs,
        index=inputs.index(findings.scaling),
        format_func=_input_title,
        key=f"models_elsewhere_input_{digest}",
        help="The numbers that the network was trained on.",
    )
    order = right.selectbox(
        "Order of classes",
        orders,
        format_func=lambda text: title_of(tuple(text.split(","))),
        accept_new_options=True,
        key=f"models_elsewhere_order_{digest}",
        help="Choose an order, or type a name for each output, such as happy,sad,-,angry.",
    )
    with errors_shown(stop=False):
        return findings.chosen(scaling, order)
    return None


def _input_title(name: str) -> str:
    return f"{SCALINGS[name].title} ({name})"


def _make(name: str, content: bytes, chosen: Findings, key: str, digest: str) -> None:
    """Draw the box for the name and the button that makes the model."""
    for what, words in chosen.chosen_words().items():
        st.caption(f"{plain(what)}: {plain(words)}")
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    called = left.text_input(
        "Name", value=_name(name), max_chars=60, key=f"models_elsewhere_name_{digest}"
    ).strip()
    if right.button(
        "Make the model", icon=":material/add:", type="primary", key="models_elsewhere_make", width="stretch"
    ):
        check_name(called)
        if process.exists(called):
            raise ModelError(f"There is a model called {called} already: choose another name.")
        _start(
            key,
            f"Making {called}",
            content,
            name,
            lambda file, _on_progress: process.import_model(file, called, findings=chosen, spawn=_spawn)[0],
        )
        st.rerun()


def _done(bundle: Bundle) -> None:
    """Draw what the new model can do, and the button that opens it."""
    st.success(
        f"{plain(bundle.name)} is among the models. {plain(bundle.card['imported']['works'])}",
        icon=":material/check_circle:",
    )
    st.button(
        "Open it",
        icon=":material/arrow_forward:",
        key="models_elsewhere_open",
        on_click=model_link.open_named,
        args=(bundle.path.name,),
    )


def _name(file: str) -> str:
    """Return a name for a model that its file suggests."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(file).stem).strip("-.")[:60] or "model"
