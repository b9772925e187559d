"""File names of the images of a folder, zip or tar."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.data import Dataset
from fer_core.data.opening import picture_files
from fer_core.data.recipe import SUFFIX, read_recipe
from fer_core.errors import DataError
from fer_core.label_options import split_source
from fer_core.quality import result_cache

from . import visitor

_VARIANTS_AT_MOST = 10  # of a variant


def of(data: Dataset) -> list[str] | None:
    """Return the path of each row's picture below its folder, or None for data that are not files."""
    if data.format.endswith("synthetic"):
        return None
    return _read(data.source, f"{visitor.key()} {result_cache.key(data)}")


def name(data: Dataset, index: int) -> str:
    """Return the path of one picture below its folder; empty for data that are not files."""
    names, row = of(data), int(data.rows[index])
    return names[row] if names is not None and row < len(names) else ""


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(source: str, key: str) -> list[str] | None:
    try:
        location = split_source(source)[0]
        for _ in range(_VARIANTS_AT_MOST):
            if not location.endswith(SUFFIX):
                return picture_files(location)
            location = split_source(read_recipe(Path(location)).source)[0]
    except DataError:  # tables
        pass
    return None
