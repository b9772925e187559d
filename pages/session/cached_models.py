"""Models in memory, shared between all sessions."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.bundles.bundle import Bundle, read_bundle
from fer_core.inference import FeatureExtractor, Predictor


def predictor(bundle: Bundle) -> Predictor:
    """Return the predictor of a bundle.

    Raises:
        ModelError: The bundle cannot be loaded.
    """
    return _predictor(str(bundle.path), modified(bundle))


def extractor(bundle: Bundle) -> FeatureExtractor:
    """Return the feature extractor of a bundle.

    Raises:
        ModelError: The bundle cannot be loaded, or gives no features.
    """
    return _extractor(str(bundle.path), modified(bundle))


def modified(bundle: Bundle) -> int:
    """Return the time of the last change: part of the cache key, so that a new file is loaded again."""
    try:
        return bundle.inference_file.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=4, show_spinner=False)
def _predictor(path: str, modified: int) -> Predictor:
    return Predictor(read_bundle(Path(path)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _extractor(path: str, modified: int) -> FeatureExtractor:
    return FeatureExtractor(read_bundle(Path(path)))
