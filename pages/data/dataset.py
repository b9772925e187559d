"""Dataset: choose a source, see the balance of its classes, page through its faces."""

import math

import numpy as np
import streamlit as st

from fer_core.data import SPLITS, UNLABELLED
from pages.shared import charts, faces, source_choice, state

PER_PAGE = 60

st.title("Dataset")
source_choice.show()

with state.errors_shown():
    data = state.dataset()
counts = data.counts()

with st.container(horizontal=True):
    st.metric("Images", f"{len(data):,}", border=True, width=150)
    for split, labels in counts.items():
        st.metric(split.capitalize(), f"{sum(labels.values()):,}", border=True, width=150)
st.caption(f"{state.source_name(state.source())}: {data.format}, 48x48 grey, fingerprint `{data.fingerprint}`")
if data.warnings:
    with st.expander(f"{len(data.warnings)} {'note' if len(data.warnings) == 1 else 'notes'} on this source", icon=":material/info:"):
        for warning in data.warnings:
            st.markdown(f"- {warning}")

st.subheader("Class balance")
unit = st.segmented_control(
    "Unit", ["Images", "Share of the split"], default="Images", required=True, key="dataset_unit", label_visibility="collapsed"
)
st.plotly_chart(charts.class_balance(counts, as_share=unit != "Images"), config=charts.CONFIG, key="dataset_balance")

st.subheader("Gallery")
all_labels = [*data.label_names, *(["unlabelled"] if np.any(data.labels == UNLABELLED) else [])]
split = st.segmented_control("Split", list(counts), default=None, key="dataset_split", help="None chosen: all splits.", bind="query-params")
chosen = st.pills(
    "Classes", all_labels, selection_mode="multi", key="dataset_classes", help="None chosen: all classes.", bind="query-params"
)
shown = np.ones(len(data), bool)
if split:
    shown &= data.splits == SPLITS.index(split)
if chosen:
    shown &= np.isin(data.labels, [UNLABELLED if name == "unlabelled" else data.label_names.index(name) for name in chosen])
found = np.flatnonzero(shown)
if not len(found):
    st.info("No image fits this filter: choose another split or class.", icon=":material/filter_alt_off:")
else:
    pages = math.ceil(len(found) / PER_PAGE)
    # The key holds the filter, so that another filter starts on its first page.
    page = st.pagination(pages, key=f"dataset_page_{split}_{'-'.join(sorted(chosen))}") if pages > 1 else 1
    here = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    st.caption(f"{here.size:,} of {len(found):,} faces")
    faces.gallery(
        data.images[here],
        [all_labels[label] for label in data.labels[here]],
        [SPLITS[s] if split is None else "" for s in data.splits[here]],
    )
