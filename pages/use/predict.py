"""Predict: photos, an album, a video, a camera snapshot or the live webcam, classified in memory."""

import streamlit as st

from fer_core.bundle import PHOTO_MODEL
from pages.predicting import album, video
from pages.shared import results, state, visitor

st.title("Predict")
st.markdown(
    "Every face is found, cut out and classified. Photos and frames stay in this machine's memory: none is written to disk or sent elsewhere."
)

with state.errors_shown():
    settings, options = st.columns([2, 1], vertical_alignment="bottom")
    with settings:
        bundle = state.choose_model("predict_model", PHOTO_MODEL)
    detect = options.toggle(
        "Find faces", value=True, key="predict_detect", help="Off: each whole picture is taken as one face."
    )
    unsure_below = st.slider(
        "Unsure below",
        0.0,
        0.95,
        step=0.05,
        format="percent",
        key="unsure_below",
        persist_state="session",
        help="A face gets no label where the model is less sure than this. Trust on the Evaluate page tells how often that is, and what it brings.",
    )
    ways = ["Upload", "Album", "Video", "Camera", "Live", "Sample"]
    way = st.segmented_control(
        "Picture from", ways, default="Upload", required=True, key="predict_way", label_visibility="collapsed"
    )
    pictures: list[tuple[str, bytes]] = []
    if way == "Upload":
        uploads = st.file_uploader(
            "Photos",
            type=results.UPLOAD_TYPES,
            max_upload_size=visitor.upload_megabytes(results.UPLOAD_MEGABYTES),
            accept_multiple_files=True,
            key="predict_photos",
        )
        pictures = [(upload.name, upload.getvalue()) for upload in uploads]
    elif way == "Album":
        album.show(bundle, detect, unsure_below)
    elif way == "Video":
        video.show(bundle, unsure_below)
    elif way == "Live":
        from pages.predicting import (
            live,
        )  # here, since WebRTC takes time and memory that photos need not wait for

        live.show(bundle, unsure_below)
    elif way == "Camera":
        snapshot = st.camera_input("Take a picture", key="predict_camera")
        pictures = [("snapshot.jpg", snapshot.getvalue())] if snapshot else []
    else:
        pictures = [("portrait.jpg", results.SAMPLE.read_bytes())]

    found = {}
    for number, (name, content) in enumerate(pictures):
        name = name if name not in found else f"{name} ({number + 1})"
        found[name] = results.show(name, content, bundle, detect, unsure_below)
    if found:
        results.downloads(found, "predict")
    elif way == "Upload":
        st.info(
            "Drop one photo or many. Each face gets a box, a label and its probabilities.",
            icon=":material/add_photo_alternate:",
        )
