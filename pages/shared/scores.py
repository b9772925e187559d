"""Evaluations for the pages, computed once for all sessions."""

from __future__ import annotations

import streamlit as st

from fer_core.bundle import Bundle
from fer_core.data import Dataset
from fer_core.evaluation.scoring import Scored, score


def scored(bundle: Bundle, data: Dataset, split: str, tta: str) -> Scored:
    """The evaluation of a model on a split; the first time with a progress bar."""
    changed = bundle.inference_file.stat().st_mtime_ns if bundle.inference_file.exists() else 0
    return _scored(bundle, data, str(bundle.path), changed, data.fingerprint, split, tta)


@st.cache_resource(max_entries=12, show_spinner="Classifying the faces ...")
def _scored(_bundle: Bundle, _data: Dataset, path: str, changed: int, fingerprint: str, split: str, tta: str) -> Scored:
    return score(_bundle, _data, split, tta)
