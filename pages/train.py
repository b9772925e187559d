"""Train: set a run up, watch and steer it, compare runs, search settings, learn faces, repeat a README."""

import streamlit as st

from pages.session import entry, source_link
from pages.views.train import own_faces, readme, run_link, runs, setup, sweeps, watch
from pages.widgets import views

VIEWS = {
    "Set up": setup.show,
    "Watch": watch.show,
    "Runs": runs.show,
    "Sweeps": sweeps.show,
    "Your faces": own_faces.show,
    "Repeat the README": readme.show,
}

entry.run_entry_script()
st.title("Train")
source_link.follow()
run_link.follow_request()
views.show("train_view", VIEWS, first=run_link.first_view(), linked=True)
