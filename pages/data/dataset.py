"""Dataset: choose a source, then see what is in it and what is wrong with it."""

import streamlit as st

from pages.dataset import copies, face_view, gallery, label_issues, map, overview, variants, verdicts, votes
from pages.dataset.facts import Facts
from pages.shared import source_choice, state

VIEWS = {
    "Overview": overview.show,
    "Gallery": gallery.show,
    "Votes": votes.show,
    "Copies": copies.show,
    "Label issues": label_issues.show,
    "Map": map.show,
    "Verdicts": verdicts.show,
}

st.title("Dataset")
source_choice.show()

with state.errors_shown():
    facts = Facts(state.dataset())
data = facts.data
st.caption(
    f"{state.source_name(state.source())}: {data.format}, {len(data):,} faces of 48x48, fingerprint `{data.fingerprint}`"
)
variants.show_made()
if data.warnings:
    with st.expander(
        f"{len(data.warnings)} {'note' if len(data.warnings) == 1 else 'notes'} on this source",
        icon=":material/info:",
    ):
        for warning in data.warnings:
            st.markdown(f"- {warning}")

if "dataset_view" not in st.session_state and st.query_params.get("dataset_view") not in VIEWS:
    st.session_state["dataset_view"] = "Overview"
view = st.segmented_control(
    "View", list(VIEWS), required=True, key="dataset_view", bind="query-params", label_visibility="collapsed"
)
if view != "Gallery":
    st.query_params.pop(gallery.PAGE, None)
with state.errors_shown():
    order = VIEWS[view](facts)  # positions of the faces that the view shows, in order
    face_view.show_asked(facts, order)
