"""The start page: what one can do, and a photo classified right there."""

import streamlit as st

from pages.shared import results, state, visitor

st.title("FER Explorer")
st.markdown(
    "See what a network reads in a face, and find out **when to trust it**. Nothing you show it leaves this machine."
)

with st.container(border=True):
    st.subheader("Classify a photo")
    photo = st.file_uploader(
        "A photo with one or more faces",
        type=results.UPLOAD_TYPES,
        max_upload_size=visitor.upload_megabytes(results.UPLOAD_MEGABYTES),
        key="start_photo",
    )
    with state.errors_shown():
        bundle = state.photo_bundle()
        if photo is not None:
            found = {photo.name: results.show(photo.name, photo.getvalue(), bundle)}
        else:
            st.caption("Or look at what this portrait gives:")
            found = {"portrait.jpg": results.show("portrait.jpg", results.SAMPLE.read_bytes(), bundle)}
        results.downloads(found, "start")

st.subheader("Go further")
cards = (
    (
        "pages/data/dataset.py",
        "Dataset",
        ":material/grid_view:",
        "Browse thousands of faces by class and split. Embedded data, FER2013 or your own.",
    ),
    (
        "pages/models/train.py",
        "Train",
        ":material/model_training:",
        "Pick a network, press start and watch it learn. Repeat what READMEs claim.",
    ),
    (
        "pages/models/evaluate.py",
        "Evaluate",
        ":material/fact_check:",
        "Click a cell of the confusion matrix and see those very faces.",
    ),
    (
        "pages/models/models.py",
        "Models",
        ":material/deployed_code:",
        "Every model's figures with their intervals, its card, its layers, its files.",
    ),
    (
        "pages/use/predict.py",
        "Predict",
        ":material/photo_camera:",
        "Many photos at once, or a snapshot from your camera.",
    ),
)
for column, (page, title, icon, text) in zip(st.columns(len(cards)), cards, strict=True):
    with column.container(border=True, height="stretch"):
        st.page_link(page, label=f"**{title}**", icon=icon)
        st.caption(text)
