"""What the pages share: the chosen data set and model, and the caches behind them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from fer_core import storage
from fer_core.bundle import (
    DEFAULT_MODEL,
    MODELS_DIR,
    PHOTO_MODEL,
    Bundle,
    find_bundle,
    own_models,
    read_bundle,
    shipped,
)
from fer_core.data import Dataset, open_dataset
from fer_core.errors import FerError, ModelError
from fer_core.inference import FeatureExtractor, Predictor
from fer_core.storage import runs_folder
from fer_core.training.run_folder import list_runs

from . import visitor

DEFAULT_SOURCE = "synthetic"


def data_folder() -> Path:
    """The folder whose data sets the app offers: FER_DATA_DIR, else `data` where the app was started."""
    return storage.data_folder()


def own_folder() -> Path:
    """Where uploads, collected faces and cleaned variants are kept: the data folder, or a visitor's own in a hosted app."""
    return storage.own_data_folder()


@contextlib.contextmanager
def errors_shown(stop: bool = True) -> Iterator[None]:
    """Show an error of the user's as its one sentence, and end the page there unless `stop` is false."""
    try:
        yield
    except (FerError, OSError) as error:  # a full disk, a file that was removed meanwhile
        st.error(visitor.without_folders(str(error)), icon=":material/error:")
        if stop:
            st.stop()


def source() -> str:
    """The source of the data set that all pages work on."""
    return st.session_state.get("data_source", DEFAULT_SOURCE)


def source_name(value: str) -> str:
    """A source as people read it: embedded data by name, a file without its folders."""
    return (
        "Embedded synthetic faces" if value == DEFAULT_SOURCE else value if ":" in value else Path(value).name
    )


def dataset() -> Dataset:
    """The chosen data set, read once and then shared between sessions.

    Raises:
        DataError: it cannot be read any more.
    """
    value = source()
    visitor.check_source(value)
    return _open(value, _changed(value))


def use_source(value: str) -> None:
    """Take another source for all pages.

    Raises:
        DataError: it cannot be read; the present source stays.
    """
    visitor.check_source(value)
    visitor.check_faces(len(_open(value, _changed(value))))
    st.session_state["data_source"] = value


def _changed(value: str) -> int:
    """When the file or folder was last written, so that a changed source is read again."""
    try:
        return Path(value).stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=3, show_spinner="Reading the images ...")
def _open(value: str, changed: int) -> Dataset:
    return open_dataset(value)


def models() -> dict[str, str]:
    """What can be chosen as model: path -> name; the shipped ones first, then those of finished runs, newest first."""
    found = {str(b.path): f"{b.path.name} (shipped)" for b in shipped()}
    found |= {str(b.path): b.path.name for b in own_models()}
    for run in list_runs(runs_folder()):
        if (run.bundle / "card.json").is_file():
            found[str(run.bundle)] = run.name
    return found


def choose_model(key: str, first: str = DEFAULT_MODEL) -> Bundle:
    """A box to choose the model with; the choice is kept from page to page, and ?model=NAME in the address makes it.

    Args:
        first: the shipped model that stands in the box until one is chosen.

    Raises:
        ModelError: there is no model at all.
    """
    options = models()
    if not options:
        raise ModelError("There is no model yet: train one on the Train page first.")
    paths = list(options)
    linked = st.query_params.get("model")
    if linked is not None and st.session_state.get("model_linked") != linked:  # once: then the box decides
        named = [path for path, name in options.items() if name.removesuffix(" (shipped)") == linked]
        st.session_state["model_path"] = named[0] if named else st.session_state.get("model_path")
        st.session_state.pop(key, None)
    st.session_state["model_linked"] = linked
    current = st.session_state.get("model_path")
    preferred = str(MODELS_DIR / first)
    index = (
        paths.index(current if current in options else preferred)
        if {current, preferred} & options.keys()
        else 0
    )
    path = st.selectbox("Model", paths, index=index, format_func=options.__getitem__, key=key)
    if (
        path != paths[index] or current is not None
    ):  # what merely stood there first is no choice for other pages
        st.session_state["model_path"] = path
    return read_bundle(Path(path))


def bundle_at(path: str) -> Bundle:
    """The bundle that a box over `models()` chose.

    Raises:
        ModelError: it was removed meanwhile, or is damaged.
    """
    return read_bundle(Path(path))


def photo_bundle() -> Bundle:
    """The shipped model for photos."""
    return find_bundle(PHOTO_MODEL)


def predictor(bundle: Bundle) -> Predictor:
    """The predictor for a bundle, shared between sessions."""
    return _predictor(
        str(bundle.path), bundle.inference_file.stat().st_mtime_ns if bundle.inference_file.exists() else 0
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _predictor(path: str, changed: int) -> Predictor:
    return Predictor(read_bundle(Path(path)))


def extractor(bundle: Bundle) -> FeatureExtractor:
    """What reads a bundle's features, shared between sessions.

    Raises:
        ModelError: it cannot.
    """
    return _extractor(str(bundle.path), _changed(str(bundle.inference_file)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _extractor(path: str, changed: int) -> FeatureExtractor:
    return FeatureExtractor(read_bundle(Path(path)))
