"""The data set that all pages work on."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core import storage
from fer_core.data import Dataset, open_dataset

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


def fer2013() -> Path | None:
    """Return the path of FER2013 in the data folder, recognised by its name; None where it is not there."""
    return next((path for name in _FER2013 if (path := folder() / name).exists()), None)


def display_name(source: str) -> str:
    """Return a source as shown to the visitor: embedded data by name, a file without its folders."""
    if source == DEFAULT:
        return "Embedded synthetic faces"
    return source if ":" in source else Path(source).name


def dataset() -> Dataset:
    """Open the current data set; it is read once and shared between sessions.

    Raises:
        DataError: It can no longer be read.
    """
    source = current()
    visitor.check_source(source)
    return _open(source, _modified(source))


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
        _open(source, _modified(source))
    st.session_state["data_source"] = source


def _modified(source: str) -> int:
    """Return the time of the last change: part of the cache key, so that a changed source is read again."""
    try:
        return Path(source).stat().st_mtime_ns
    except OSError:
        return 0


def _open(source: str, modified: int) -> Dataset:
    dataset = _cache.get((source, modified))
    if dataset is None:
        budget = visitor.budget(source)
        with st.spinner("Reading the images ..."):
            dataset = _cache.open((source, modified), lambda: open_dataset(source, budget))
    return dataset
