"""Downloads of a model: the Keras and LiteRT files, ONNX converted on request, the model card."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fer_core.bundles.class_names import named_litert
from fer_core.errors import ModelError
from pages.session import helpers
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

from .catalog import Model

_TIMEOUT = 300  # seconds
_BINARY = "application/octet-stream"


@st.fragment  # a click here need not draw the whole page again
def show(model: Model, words: str | None) -> None:
    """Draw a row for each format: what it is for, and its button.

    Args:
        model: The model.
        words: The model card as Markdown, if there is one.
    """
    with errors_shown(stop=False):
        _file(
            "Keras", "To train on, or to look inside with Keras 3.", model, model.bundle.keras_file, ".keras"
        )
        if model.bundle.runs_onnx:
            _file("ONNX", "What this app runs for this model.", model, model.bundle.inference_file, ".onnx")
            return _card(model, words)
        _file(
            "LiteRT",
            "What this app runs: small, and fast on a CPU or a phone.",
            model,
            model.bundle.inference_file,
            ".tflite",
            lambda content: named_litert(content, model.bundle.labels),
        )
        _onnx(model)
        _card(model, words)


def _line(title: str, text: str) -> st.delta_generator.DeltaGenerator:
    """Draw title and purpose of a format, and return the container for its buttons."""
    box = st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    )
    box.markdown(f"**{plain(title)}**  \n{plain(text)}", width="content")
    return box


def _file(
    title: str,
    text: str,
    model: Model,
    path: Path,
    ending: str,
    prepare: Callable[[bytes], bytes] = bytes,
) -> None:
    if not path.is_file():
        st.info(f"{plain(title)}: this bundle has no {plain(path.name)}.", icon=":material/block:")
        return
    size = path.stat().st_size / 1e6
    # Read when clicked: drawing the page must not read every file.
    _line(f"{title}, {size:.2f} MB", text).download_button(
        f"Download {plain(title)}",
        lambda: prepare(path.read_bytes()),
        f"{model.name}{ending}",
        _BINARY,
        key=f"models_download{ending}",
        icon=":material/download:",
        on_click="ignore",
    )


def _onnx(model: Model) -> None:
    if not model.bundle.keras_file.is_file():
        st.info(
            "ONNX is converted from the Keras file, which this bundle does not have.", icon=":material/block:"
        )
        return
    modified = model.bundle.keras_file.stat().st_mtime_ns
    line = _line(
        "ONNX", "For ONNX Runtime and most other frameworks. The conversion takes about ten seconds."
    )
    converted_key = f"models_onnx_{model.bundle.path}_{modified}"
    place = line.empty()  # for the button that converts, then for the one that downloads
    if converted_key not in st.session_state and place.button(
        "Make ONNX", icon=":material/build:", key="models_make_onnx"
    ):
        try:
            _converted(str(model.bundle.path), modified)
            st.session_state[converted_key] = True
        except ModelError as error:
            st.error(plain(error), icon=":material/error:")
    if converted_key in st.session_state:
        place.download_button(
            "Download ONNX",
            lambda: _converted(str(model.bundle.path), modified),
            f"{model.name}.onnx",
            _BINARY,
            key="models_download_onnx",
            icon=":material/download:",
            type="primary",
            on_click="ignore",
        )


@st.cache_data(max_entries=2, show_spinner="Converting to ONNX ...")
def _converted(path: str, modified: int) -> bytes:
    """Convert a bundle to ONNX in a process of its own, which keeps TensorFlow out of the app's process.

    Raises:
        ModelError: The model cannot be converted.
    """
    with tempfile.TemporaryDirectory(prefix="fer-onnx-") as folder:
        out = Path(folder) / "model.onnx"
        command = [
            sys.executable,
            "-m",
            "fer_core",
            "export",
            "--model",
            path,
            "--format",
            "onnx",
            "--out",
            str(out),
        ]
        try:
            process = helpers.start(
                "The conversion to ONNX",
                lambda: subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=helpers.environment(),
                ),
            )
            _, error_output = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ModelError(
                f"The conversion to ONNX took longer than {_TIMEOUT // 60} minutes and was stopped: try "
                "again later."
            ) from None
        except OSError as error:
            raise ModelError(
                f"The conversion to ONNX could not be started: {error.strerror or error}."
            ) from None
        if process.returncode == 0 and out.is_file():
            return out.read_bytes()
        reason = helpers.failure(error_output, process.returncode)
        raise ModelError(f"The conversion to ONNX failed: {reason}")


def _card(model: Model, words: str | None) -> None:
    line = _line("Model card", "Where the model comes from, its intended use, its figures and its limits.")
    as_json = json.dumps(model.bundle.card, indent=1, ensure_ascii=False) + "\n"
    with line.container(horizontal=True, width="content"):
        if words is not None:
            st.download_button(
                "Markdown",
                words,
                f"{model.name}.md",
                "text/markdown",
                key="models_card_markdown",
                icon=":material/description:",
                on_click="ignore",
            )
        st.download_button(
            "JSON",
            as_json,
            f"{model.name}.json",
            "application/json",
            key="models_card_json",
            icon=":material/data_object:",
            on_click="ignore",
        )
