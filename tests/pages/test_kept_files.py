"""What was given to Predict stays through views, pages and a change of the model, until it is cleared."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest

from fer_core.bundles.bundle import MODELS_DIR
from fer_core.hosting.settings import HostingSettings
from pages.session import kept_files, uploads
from tests.pages.conftest import open_page, reloaded
from tests.pages.dataset_view import run, wait
from tests.pages.test_album_page import PORTRAIT, metrics, opened
from tests.pages.test_pages import html, texts
from tests.pages.test_video_page import opened as opened_video
from tests.pages.test_video_page import video  # noqa: F401

pytestmark = pytest.mark.long


def elsewhere_and_back(app: AppTest, view: str) -> None:
    """Look at another view, then at another page, and return."""
    app.segmented_control(key="predict_way").set_value("Sample")
    run(app)
    app.switch_page("pages/models.py")
    run(app)
    app.switch_page("pages/predict.py")
    run(app)
    app.segmented_control(key="predict_way").set_value(view)
    run(app)


def given_photos(app: AppTest, key: str = "predict_photos") -> list[str]:
    return [file.name for file in app.session_state[f"{key}_kept"].files.values()]


def test_photos_stay_until_they_are_cleared(folders: Path) -> None:
    app = open_page("predict")
    app.file_uploader(key="predict_photos").upload("a.jpg", PORTRAIT, "image/jpeg").run()
    elsewhere_and_back(app, "Upload")
    assert html(app).count('class="fer-bars"') == 1 and "1 file in memory: a.jpg" in texts(app)
    app.file_uploader(key="predict_photos").upload("b.jpg", PORTRAIT, "image/jpeg").run()
    assert given_photos(app) == ["a.jpg", "b.jpg"] and html(app).count('class="fer-bars"') == 2
    app.button(key="start_photo_clear").click().run()
    assert not app.exception and 'class="fer-bars"' not in html(app) and not given_photos(app)
    app.file_uploader(key="predict_photos_1").upload("c.jpg", PORTRAIT, "image/jpeg").run()
    assert given_photos(app) == ["c.jpg"]


def test_a_photo_of_the_start_page_is_there_on_predict(folders: Path) -> None:
    app = open_page()
    app.file_uploader(key="start_photo").upload("mine.jpg", PORTRAIT, "image/jpeg").run()
    app.switch_page("pages/predict.py").run()
    assert "1 file in memory: mine.jpg" in texts(app) and html(app).count('class="fer-bars"') == 1
    app.switch_page("pages/start.py").run()
    assert "1 file in memory: mine.jpg" in texts(app) and "Or see the result" not in texts(app)
    app.file_uploader(key="start_photo").upload("other.jpg", PORTRAIT, "image/jpeg").run()
    assert given_photos(app, "start_photo") == ["other.jpg"], "a box for one photo holds the last one"


def test_model_view_and_threshold_are_in_the_address(folders: Path) -> None:
    app = open_page("predict")
    assert not set(app.query_params) & {"model", "predict_way", "unsure_below"}
    app.selectbox(key="predict_model").set_value(str(MODELS_DIR / "tiny")).run()
    app.segmented_control(key="predict_way").set_value("Sample").run()
    app.slider(key="unsure_below").set_value(70).run()
    for page in ("models", "predict"):  # AppTest has no address bar: it is written when a page opens again
        app.switch_page(f"pages/{page}.py").run()
    again = reloaded(app, "predict")
    assert not again.exception and again.query_params["model"] == "tiny"
    assert again.selectbox(key="predict_model").value == str(MODELS_DIR / "tiny")
    assert again.segmented_control(key="predict_way").value == "Sample"
    assert again.slider(key="unsure_below").value == 70
    for page in ("models", "evaluate", "predict"):
        again.switch_page(f"pages/{page}.py").run()
        assert not again.exception
    assert again.selectbox(key="predict_model").value == str(MODELS_DIR / "tiny")
    assert again.slider(key="unsure_below").value == 70


def test_a_snapshot_stays(folders: Path) -> None:
    app = open_page("predict")
    app.segmented_control(key="predict_way").set_value("Camera").run()
    app.segmented_control(key="camera_way").set_value("On the server").run()
    app.camera_input(key="predict_camera").upload("snapshot.jpg", PORTRAIT, "image/jpeg").run()
    elsewhere_and_back(app, "Camera")
    assert html(app).count('class="fer-bars"') == 1


def test_an_album_keeps_its_results_and_another_model_classifies_it_again(folders: Path) -> None:
    app = opened(("one.jpg", PORTRAIT, "image/jpeg"))
    app.button(key="predict_album_start").click()
    run(app)
    wait()
    run(app)
    before = app.dataframe[0].value["Confidence"][0]
    elsewhere_and_back(app, "Album")
    assert metrics(app)["Faces"] == "1" and app.dataframe[0].value["Confidence"][0] == before
    app.selectbox(key="predict_model").set_value(str(MODELS_DIR / "tiny"))
    run(app)
    wait()
    run(app)
    assert metrics(app)["Faces"] == "1" and app.dataframe[0].value["Confidence"][0] != before
    app.button(key="predict_album_files_clear").click()
    run(app)
    assert not app.metric and "predict_album" not in app.session_state


def test_a_video_keeps_its_timeline_and_another_model_tracks_it_again(folders: Path, video: bytes) -> None:  # noqa: F811
    app = opened_video(video)
    elsewhere_and_back(app, "Video")
    assert metrics(app)["Faces"] == "2"
    app.selectbox(key="predict_model").set_value(str(MODELS_DIR / "tiny"))
    run(app)
    wait()
    run(app)
    assert metrics(app)["Faces"] == "2" and not app.exception
    app.button(key="predict_video_file_clear").click()
    run(app)
    assert not app.metric


def test_kept_files_count_among_the_uploads_of_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_settings", HostingSettings(upload_mb=1))
    manager = MemoryUploadedFileManager("/upload")
    kept = kept_files.KeptFiles("one")
    kept_files._all.add(kept)
    for name in ("a", "b", "c"):
        kept.files[name] = kept_files.KeptFile(name, b"0" * 900_000, name)
    # the same file in both places takes its memory once
    manager.add_file("one", UploadedFileRec("c", "c.jpg", "image/jpeg", b"0" * 900_000))
    uploads.check(manager, "one", 100_000)
    with pytest.raises(Exception, match="at most 3 MB together"):
        uploads.check(manager, "one", 900_000)
    uploads.check(manager, "two", 900_000)
