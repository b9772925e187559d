"""Speed of the models on this machine, measured once for all sessions."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from fer_core.bundles.bundle import read_bundle
from fer_core.errors import ModelError
from fer_core.evaluation.latency import latency

from .catalog import Model

_one_at_a_time = threading.Lock()  # two measurements at once would slow each other down


def milliseconds(models: Sequence[Model]) -> dict[str, float | None]:
    """Return milliseconds for one image by model name; None for a model without a readable inference file."""
    with st.spinner("Measuring how fast the models are on this machine ..."):
        return {model.name: _measured(model) for model in models}


def _measured(model: Model) -> float | None:
    file = model.bundle.inference_file
    return _milliseconds(str(model.bundle.path), file.stat().st_mtime_ns) if file.is_file() else None


@st.cache_data(max_entries=500, show_spinner=False)
def _milliseconds(path: str, modified: int) -> float | None:
    try:
        bundle = read_bundle(Path(path))
        with _one_at_a_time:
            return latency(bundle)
    except ModelError:
        return None
