"""Predict on a video: tracked faces, a moment and its frame, CSV, the annotated video, a bad file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.video import VideoReader, VideoWriter
from tests.conftest import ROOT
from tests.pages.conftest import open_page
from tests.pages.dataset_view import run, texts, wait

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def video() -> bytes:
    """Three seconds: a portrait, and from the second second on its mirror image beside it."""
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB")
    portrait.thumbnail((240, 240))
    out = io.BytesIO()
    with VideoWriter(out, 560, 280, 10) as writer:
        for i in range(30):
            frame = Image.new("RGB", (560, 280), (70, 80, 90))
            frame.paste(portrait, (10 + i, 20))
            if i >= 10:
                frame.paste(portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (300, 20))
            writer.write(i / 10, np.asarray(frame))
    return out.getvalue()


def opened(content: bytes) -> AppTest:
    app = open_page("predict")
    app.segmented_control(key="predict_way").set_value("Video")
    run(app)
    app.file_uploader(key="predict_video_file").upload("faces.mp4", content, "video/mp4")
    run(app)
    app.button(key="predict_video_start").click()
    run(app)
    wait()
    run(app)
    return app


def test_faces_are_followed_and_a_moment_shows_its_frame(folders: Path, video: bytes) -> None:
    app = opened(video)
    assert {metric.label: metric.value for metric in app.metric} == {
        "Length": "3.0 s",
        "Faces": "2",
        "Frames": "15",
    }
    assert "Visible from 0.0 to 2.8 s, mostly **😄 happy**" in texts(app)
    app.session_state["predict_video_face"] = 2
    run(app)
    assert "Visible from 1.0 to 2.8 s" in texts(app)
    app.session_state["predict_video_at"] = 0.4  # as a click on the chart leaves it
    run(app)
    assert "**Face 1**" in texts(app) and "**Face 2**" not in texts(app)
    app.session_state["predict_video_at"] = 2.0
    run(app)
    assert "**Face 1**" in texts(app) and "**Face 2**" in texts(app)


def test_the_video_with_boxes_can_be_taken_along(folders: Path, video: bytes) -> None:
    app = opened(video)
    app.button(key="predict_video_make").click()
    run(app)
    wait()
    run(app)
    assert app.get("video") and not app.error
    made = app.session_state["predict_video_made"].results[0]
    with VideoReader(io.BytesIO(made), "made") as after, VideoReader(io.BytesIO(video), "given") as before:
        assert (after.width, after.height) == (560, 280) and after.duration == pytest.approx(
            before.duration, abs=0.2
        )
        assert (
            np.abs(after.frame_at(1.5).pixels.astype(int) - before.frame_at(1.5).pixels).max() > 80
        )  # boxes
    timeline = app.session_state["predict_video"].results[0]
    lines = list(csv.DictReader(io.StringIO(timeline.csv_text())))
    assert {line["face"] for line in lines} == {"1", "2"} and all(line["label"] == "happy" for line in lines)


def test_a_file_that_is_no_video_is_one_sentence(folders: Path) -> None:
    app = opened(b"no video at all")
    assert not app.exception and len(app.error) == 1 and "faces.mp4" in app.error[0].value
