"""Train: set a run up, watch and steer it, compare runs, search settings, teach it one's own faces."""

import streamlit as st

from fer_core.storage import runs_folder
from fer_core.training.run_folder import list_runs
from pages.shared import state
from pages.training import own_faces, runs, setup, sweeps, watch

VIEWS = ["Set up", "Watch", "Runs", "Sweeps", "Your faces"]

st.title("Train")

# What a button of another view asked for: before the widgets of these keys stand on the page.
if (wanted := st.session_state.pop("train_go", None)) is not None:
    st.session_state["train_view"], st.session_state["train_run"] = wanted
found = list_runs(runs_folder())
names = [run.name for run in found]
if "train_view" not in st.session_state and st.query_params.get("train_view") not in VIEWS:
    st.session_state["train_view"] = "Watch" if any(run.alive() for run in found[:20]) else "Set up"
view = st.segmented_control(
    "View", VIEWS, required=True, key="train_view", bind="query-params", label_visibility="collapsed"
)

if view == "Set up":
    st.caption(
        "A run trains in a process of its own: refresh or close this page, or restart the app, and it goes on."
    )
    setup.show()
elif view == "Runs":
    runs.show()
elif view == "Sweeps":
    sweeps.show()
elif view == "Your faces":
    own_faces.show()
elif not names:
    st.info(
        "No run yet. The quick network learns the embedded faces in less than a minute.",
        icon=":material/rocket_launch:",
    )
else:
    chosen = st.session_state.get("train_run", st.query_params.get("train_run"))
    st.session_state["train_run"] = chosen if chosen in names else names[0]
    name = st.selectbox("Run", names, key="train_run", persist_state="session")
    # Not bound like the view: what stands there first would be missing in the address, and a refresh show a newer run.
    st.query_params["train_run"] = name
    with state.errors_shown():
        watch.show(found[names.index(name)])
