"""The way Live of the Predict page alone, for tests and benchmarks: `streamlit run tests/pages/live_view.py`, ?model=NAME."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import streamlit as st

from fer_core.bundle import PHOTO_MODEL, find_bundle
from pages.predicting import live
from pages.shared import state

live._CALIBRATION = 10.0  # seconds: 3 may be over before a busy machine has shown them
st.set_page_config(layout="wide")
st.title("Live")
with state.errors_shown():
    live.show(find_bundle(st.query_params.get("model", PHOTO_MODEL)), 0.0)
