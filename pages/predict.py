"""Predict: classify photos, an album, a video, a camera snapshot or the live webcam, in memory."""

import streamlit as st

from pages.session import entry, source_link
from pages.session.errors import errors_shown
from pages.views.predict import album, camera, live, options, sample, upload, video
from pages.widgets import views

VIEWS = {
    "Upload": upload.show,
    "Album": album.show,
    "Video": video.show,
    "Camera": camera.show,
    "Live": live.show,
    "Sample": sample.show,
}

entry.run_entry_script()
st.title("Predict")
source_link.follow(read=False)
st.markdown(
    "Every face is found, cut out and classified, in your browser or in the memory of the machine that runs "
    "this app. No picture is written to disk or sent elsewhere."
)
with errors_shown():
    views.show("predict_way", VIEWS, options.choose(), label="Picture from", linked=True, remembered=True)
st.page_link(
    "pages/train.py",
    label="Wrong about your face? **Teach it your faces**",
    icon=":material/familiar_face_and_zone:",
    query_params={"train_view": "Your faces"},
)
