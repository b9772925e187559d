"""The data set that all pages work on."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core import storage
from fer_core.data import Dataset, open_dataset
from fer_core.data.opening import names_beside
from fer_core.data.recipe import SUFFIX
from fer_core.errors import DataError
from fer_core.label_options import split_source

from . import visitor
from .dataset_cache import DatasetCache

DEFAULT = "synthetic"
# Names of FER2013 as it is handed on, the one that is read fastest first.
_FER2013 = ("fer2013.parquet", "fer2013.npz", "fer2013.csv", "icml_face_data.csv", "fer2013.zip", "fer2013")
_cache = DatasetCache()


def folder() -> Path:
    """Return the folder whose data sets the app offers: FER_DATA_DIR, or `data` where the app was started."""
    return storage.data_folder()


def own_folder() -> Path:
    """Return the folder for uploads, collected faces and cleaned variants.

    It is the data folder, or in a hosted app the visitor's own.
    """
    return storage.own_data_folder()


def current() -> str:
    """Return the source of the current data set."""
    return st.session_state.get("data_source", DEFAULT)


def is_chosen() -> bool:
    """Return whether a data set was chosen; until then the embedded faces stand in."""
    return "data_source" in st.session_state


def is_drawn() -> bool:
    """Return whether the current data set has drawn faces: embedded ones, or a variant of them."""
    source = current()
    if not source.endswith(SUFFIX):
        return source.startswith("synthetic")
    try:
        return dataset().format.endswith("synthetic")
    except DataError:  # said where the data are used
        return False


def fer2013() -> Path | None:
    """Return the path of FER2013 in the data folder, recognised by its name; None where it is not there."""
    return next((path for name in _FER2013 if (path := folder() / name).exists()), None)


def display_name(source: str) -> str:
    """Return a source as shown to the visitor: embedded data by name, a file without its folders."""
    if source == DEFAULT:
        return "Embedded synthetic faces"
    location, options = split_source(source)
    name = location if ":" in location else Path(location).name
    chosen = {"labels": options.classes, "mapped": options.mapping, "without": options.leave_out}
    words = [f"{what}: {value}" for what, value in chosen.items() if value]
    return f"{name} ({'; '.join(words)})" if words else name


def dataset() -> Dataset:
    """Open the current data set; it is read once and shared between sessions.

    Raises:
        DataError: It can no longer be read.
    """
    source = current()
    visitor.check_source(source)
    return _open(source, modified(source))


def choose(source: str, read: bool = True) -> None:
    """Make `source` the data set of all pages.

    Args:
        source: A path, or the name of embedded data.
        read: Read the data now.

    Raises:
        DataError: It cannot be read; the current data set stays.
    """
    visitor.check_source(source)
    if read:
        _open(source, modified(source))
    st.session_state["data_source"] = source


def modified(source: str) -> int:
    """Return the time of the last change: part of the cache key, so that a changed source is read again."""
    path = Path(split_source(source)[0])
    try:
        # A file beside the data may name the numbers of its labels.
        return max(part.stat().st_mtime_ns for part in (path, *names_beside(path)))
    except OSError:
        return 0


def _open(source: str, changed: int) -> Dataset:
    dataset = _cache.get((source, changed))
    if dataset is None:
        budget = visitor.budget(source)
        with st.spinner("Reading the images ..."):
            dataset = _cache.open((source, changed), lambda: open_dataset(source, budget))
    return dataset
