"""The view Live of the Predict page alone, for tests and benchmarks.

Run it with `streamlit run tests/pages/live/live_view.py`; `?model=NAME` chooses the model,
`?way=browser` the way without the server, `?way=photos` and `?way=camera` stills.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent.parent))

import streamlit as st

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from pages.session import shutdown, widget_states
from pages.session.errors import errors_shown
from pages.views.predict import browser_settings, live_browser, live_video
from pages.views.predict.options import Options
from pages.widgets import in_browser

shutdown.bound()  # as the app does
widget_states.iterate_over_copies()
live_video._CALIBRATION = 6.0  # seconds: 3 may be over before a busy machine has shown them
st.set_page_config(layout="wide")
st.title("Live")
model = st.query_params.get("model", PHOTO_MODEL)
with errors_shown():
    match st.query_params.get("way"):
        case "browser":
            model = st.text_input("Model", model)
            st.caption(f"Model: {model}")
            if st.toggle("Show", True):
                live_browser.show(Options(find_bundle(model), 0.0))
        case "photos" | "camera" as way:
            bundle = find_bundle(st.text_input("Model", model))
            st.caption(f"Model: {bundle.name}")
            settings = browser_settings.settings(bundle, 0.0, mirror=False)
            in_browser.stills(way, bundle, {**settings, "way": "files" if way == "photos" else "camera"})
        case _:
            live_video.show(find_bundle(model), 0.0)
