"""The view Live of the Predict page alone, for tests and benchmarks.

Run it with `streamlit run tests/pages/live_view.py`; `?model=NAME` chooses the model,
`?way=browser` the way without the server.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import streamlit as st

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from pages.session.errors import errors_shown
from pages.views.predict import live_browser, live_video
from pages.views.predict.options import Options

live_video._CALIBRATION = 10.0  # seconds: 3 may be over before a busy machine has shown them
st.set_page_config(layout="wide")
st.title("Live")
with errors_shown():
    bundle = find_bundle(st.query_params.get("model", PHOTO_MODEL))
    if st.query_params.get("way") == "browser":
        live_browser.show(Options(bundle, True, 0.0))
    else:
        live_video.show(bundle, 0.0)
