"""Predict on an album: a zip and photos together, bad files beside good ones, table, CSV, cancelling."""

from __future__ import annotations

import csv
import io
import threading
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.album import PictureResult, csv_text
from fer_core.inference import Predictor
from fer_core.video import Timeline
from pages.views.predict import album, album_results
from tests.conftest import ROOT
from tests.pages.conftest import open_page
from tests.pages.dataset_view import run, texts, wait
from tests.video import made

pytestmark = pytest.mark.long

PORTRAIT = (ROOT / "pages" / "assets" / "portrait.jpg").read_bytes()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in files.items():
            file.writestr(name.replace("__", "/") + ".jpg", content)
    return buffer.getvalue()


def opened(*uploads: tuple[str, bytes, str]) -> AppTest:
    app = open_page("predict")
    app.segmented_control(key="predict_way").set_value("Album")
    run(app)
    for upload in uploads:
        app.file_uploader(key="predict_album_files").upload(*upload)
    run(app)
    return app


def blank() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), "grey").save(buffer, "JPEG")
    return buffer.getvalue()


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_a_zip_is_classified_and_bad_files_are_listed_while_the_rest_goes_on(folders: Path) -> None:
    app = opened(
        (
            "album.zip",
            zipped(a=PORTRAIT, broken=b"no picture", deep__b=PORTRAIT, empty=blank()),
            "application/zip",
        )
    )
    button = app.button(key="predict_album_start")
    assert button.label == "Classify 4 photos"
    button.click()
    run(app)
    wait()
    run(app)
    assert metrics(app) == {
        "Photos": "4",
        "Faces": "2",
        "Unsure": "0",
        "Without a face": "1",
        "Unreadable": "1",
    }
    assert "broken.jpg cannot be read as an image" in texts(app)
    frame = app.dataframe[0].value
    assert list(frame["File"]) == ["a.jpg", "deep/b.jpg"] and set(frame["Expression"]) == {"😄 happy"}
    (expected,) = Predictor().predict(PORTRAIT)
    assert frame["Confidence"].tolist() == pytest.approx([expected.confidence] * 2)


def test_videos_of_an_album_have_rows_and_become_part_of_its_csv(folders: Path) -> None:
    film = made.video([made.frame((80, 40))] * 10, rate=10)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("in/film.mp4", film)
        file.writestr("in/broken.mp4", b"no video")
    app = opened(
        ("one.jpg", PORTRAIT, "image/jpeg"),
        ("clip.mp4", film, "video/mp4"),
        ("films.zip", buffer.getvalue(), "application/zip"),
    )
    button = app.button(key="predict_album_start")
    assert button.label == "Classify 1 photo and 3 videos"
    button.click()
    run(app)
    wait()
    run(app)
    figures = metrics(app)
    assert (figures["Photos"], figures["Videos"], figures["Faces"], figures["Unreadable"]) == (
        "2",
        "2",
        "3",
        "1",
    )
    assert "in/broken.mp4 cannot be read as a video" in texts(app)
    frame = app.dataframe[0].value
    assert list(frame["File"]) == ["one.jpg", "clip.mp4", "in/film.mp4"]
    assert set(frame["Expression"]) == {"😄 happy"} and "mean of 5 moments" in frame["Notes"].iloc[1]
    results = app.session_state["predict_album"].results
    photos = [result for result in results if isinstance(result, PictureResult)]
    timelines = [result for result in results if isinstance(result, Timeline)]
    table = album_results.table(photos, timelines, Predictor().classifier, 0.0)
    assert [(row["file"], row["time"]) for row in table if row["file"] != "in/film.mp4"] == [
        ("one.jpg", None),
        ("in/broken.mp4", None),
        *(("clip.mp4", time) for time in (0.0, 0.2, 0.4, 0.6, 0.8)),
    ]


def test_a_threshold_calls_faces_unsure(folders: Path) -> None:
    app = opened(("one.jpg", PORTRAIT, "image/jpeg"))
    app.button(key="predict_album_start").click()
    run(app)
    wait()
    app.slider(key="unsure_below").set_value(95)
    run(app)
    (expected,) = Predictor().predict(PORTRAIT)
    assert metrics(app)["Unsure"] == str(int(expected.confidence < 0.95))


def test_it_is_cancelled_and_keeps_what_was_done(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, go_on = threading.Event(), threading.Event()

    def slow(found, predictor, *, detect, on_progress, cancelled):
        for picture in found:
            if cancelled():
                return
            yield PictureResult(picture.name, predictor.predict(picture.read(), detect=detect))
            first.set()
            go_on.wait(30)

    monkeypatch.setattr(album, "analyse", slow)
    app = opened(("album.zip", zipped(a=PORTRAIT, b=PORTRAIT, c=PORTRAIT), "application/zip"))
    app.button(key="predict_album_start").click()
    run(app)
    assert first.wait(30)
    run(app)
    app.button(key="predict_album_cancel").click()
    run(app)
    go_on.set()
    wait()
    run(app)
    assert "Cancelled" in texts(app) and metrics(app)["Photos"] == "1"


def test_a_zip_that_is_none_is_one_sentence(folders: Path) -> None:
    app = opened(("album.zip", b"no zip at all", "application/zip"))
    assert not app.exception and "is not a zip" in app.error[0].value


def test_the_table_can_be_taken_along() -> None:
    results = [
        PictureResult("a.jpg", Predictor("ferplus").predict(PORTRAIT)),
        PictureResult("b.jpg", [], "b.jpg is broken."),
    ]
    lines = list(csv.DictReader(io.StringIO(csv_text(results, Predictor("ferplus").classifier))))
    assert (
        [line["file"] for line in lines] == ["a.jpg", "b.jpg"]
        and lines[0]["label"] == "happy"
        and lines[1]["error"] == "b.jpg is broken."
    )
