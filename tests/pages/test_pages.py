"""The pages as a visitor uses them, without a browser."""

from __future__ import annotations

import ast
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.bundles.bundle import MODELS_DIR
from fer_core.config import RunConfig
from fer_core.runs.run_folder import RunFolder, list_runs
from pages.session.source_link import below
from pages.widgets import photo_results
from tests.pages.conftest import ROOT, open_page, reloaded, shown_data

pytestmark = pytest.mark.long

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"
PAGES = ["dataset", "train", "evaluate", "models", "predict"]


def texts(app: AppTest) -> str:
    """Everything that a visitor reads."""
    return "\n".join(
        str(e.value)
        for kind in (app.title, app.subheader, app.markdown, app.caption, app.info, app.error)
        for e in kind
    )


def html(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


@pytest.mark.parametrize("page", [None, *PAGES])
def test_every_page_opens_on_a_fresh_machine(folders: Path, page: str | None) -> None:
    app = open_page(page)
    assert not app.exception and not app.error
    assert app.title[0].value


def test_no_download_runs_the_page_which_could_take_the_file_away_before_it_is_made() -> None:
    calls = [
        (path.name, node)
        for path in (ROOT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "download_button"
    ]
    assert len(calls) > 10
    for name, call in calls:
        options = {option.arg: ast.unparse(option.value) for option in call.keywords}
        assert options.get("on_click") == "'ignore'", f"{name}, line {call.lineno}"


def test_the_start_page_announces_fer2013_in_the_data_folder(folders: Path) -> None:
    def links(app: AppTest) -> list[str]:
        return [link.proto.query_string for link in app.get("page_link") if "data folder" in link.proto.label]

    assert not links(open_page())
    (folders / "data").mkdir()
    (folders / "data" / "fer2013.csv").write_text("emotion,pixels\n")
    (folders / "data" / "fer2013new.csv").touch()  # its votes are no data set
    assert links(open_page()) == ["source=fer2013.csv"]
    for name in ("a.csv", "b.npz", "c.zip"):
        (folders / "data" / name).touch()
    assert links(open_page()) == ["source=fer2013.csv", "source=a.csv", "source=b.npz", ""]
    assert not links(open_page(data_source="synthetic:70"))


@pytest.mark.parametrize("page", ["dataset", "train", "evaluate"])
def test_data_of_the_data_folder_are_chosen_on_the_page(folders: Path, page: str) -> None:
    def box(app: AppTest) -> Any:
        return next(box for box in app.selectbox if box.label in ("Data", "On"))

    (folders / "data").mkdir()
    lines = [f"{i % 7},{' '.join(['90'] * 2304)},Training" for i in range(14)]
    lines += [f"{i % 7},{' '.join(['70'] * 2304)},PublicTest" for i in range(14)]
    (folders / "data" / "small.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
    (folders / "data" / "broken.csv").write_text("nothing\n")
    app = open_page(page)
    before = box(app).value
    box(app).select_index(box(app).options.index("broken.csv")).run()
    assert len(app.error) == 1 and "data_source" not in app.session_state and box(app).value == before
    app.run()
    assert not app.error, "said once"
    box(app).select_index(box(app).options.index("small.csv")).run()
    assert not app.error and not app.exception
    assert app.session_state["data_source"] == str(folders / "data" / "small.csv")
    assert app.query_params["source"] == "small.csv" and box(app).options[box(app).index] == "small.csv"
    box(app).select_index(box(app).options.index("Embedded synthetic faces")).run()
    assert app.session_state["data_source"] == "synthetic" and not app.exception


def test_a_presentation_has_larger_type_on_all_pages_until_it_is_ended(folders: Path) -> None:
    app = open_page()
    assert "font-size: 125%" not in html(app)
    app.query_params["present"] = "1"
    app.run()
    assert "font-size: 125%" in html(app)
    app.switch_page("pages/models.py").run()
    assert "font-size: 125%" in html(app) and app.query_params["present"] == "1" and not app.exception
    app.query_params["present"] = "0"
    app.run()
    assert "font-size: 125%" not in html(app)


def test_the_start_page_classifies_a_photo_right_there(folders: Path) -> None:
    app = open_page()
    assert "portrait" in texts(app)
    app.file_uploader(key="start_photo").upload("me.jpg", PORTRAIT.read_bytes(), "image/jpeg").run()
    assert not app.exception and html(app).count("fer-bars") >= 1


def test_predict_takes_several_photos_and_names_the_bad_one(folders: Path) -> None:
    app = open_page("predict")
    uploader = app.file_uploader(key="predict_photos")
    uploader.upload("a.jpg", PORTRAIT.read_bytes(), "image/jpeg")
    uploader.upload("broken.jpg", b"\xff\xd8nothing", "image/jpeg").run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "broken.jpg cannot be read as an image: "
        "expected an intact JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or TIFF."
    ]
    assert len(app.get("download_button")) == 3 and 'class="fer-bars"' in html(app)


def test_photos_without_a_face_and_below_the_threshold_are_in_the_files(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        photo_results.st, "download_button", lambda label, data, *rest, **more: given.update({label: data})
    )
    app = open_page("predict")
    app.slider(key="unsure_below").set_value(99)
    app.selectbox(key="predict_model").set_value(str(MODELS_DIR / "tiny"))
    for name, content in (("a.jpg", PORTRAIT.read_bytes()), ("bad.jpg", b"x"), ("grey.png", grey())):
        app.file_uploader(key="predict_photos").upload(name, content, "image/jpeg")
    app.run()
    rows = json.loads(given["Download JSON"])
    assert [(row["file"], row["face"], row["unsure"]) for row in rows] == [
        ("a.jpg", 1, rows[0]["confidence"] < 0.99),
        ("bad.jpg", 0, False),
        ("grey.png", 0, False),
    ]
    assert "cannot be read" in rows[1]["error"] and rows[2]["error"] == "no face found"
    assert given["Download CSV"].count("\n") == 4


def grey() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (99, 99), "grey").save(buffer, "PNG")
    return buffer.getvalue()


def test_predict_takes_a_snapshot(folders: Path) -> None:
    app = open_page("predict")
    app.segmented_control(key="predict_way").set_value("Camera").run()
    app.segmented_control(key="camera_way").set_value("On the server").run()
    app.camera_input(key="predict_camera").upload("snapshot.jpg", PORTRAIT.read_bytes(), "image/jpeg").run()
    assert not app.exception and 'class="fer-bars"' in html(app)


def test_the_source_chosen_on_dataset_is_used_on_the_other_pages(folders: Path) -> None:
    app = open_page("dataset")
    app.number_input(key="source_count").set_value(140).run()
    app.button(key="source_use_synthetic").click().run()
    assert app.session_state["data_source"] == "synthetic:140:0"
    app.switch_page("pages/evaluate.py").run()
    assert "synthetic:140:0" in texts(app) and not app.exception


@pytest.mark.parametrize("page", PAGES)
def test_the_source_is_in_the_address_of_every_page(folders: Path, page: str) -> None:
    app = open_page(page, data_source="synthetic:140:0")
    assert app.query_params["source"] == "synthetic:140:0"
    again = reloaded(app, page)
    assert again.session_state["data_source"] == "synthetic:140:0" and not again.error
    again.switch_page("pages/train.py").run()
    assert shown_data(again) == "synthetic:140:0" and again.query_params["source"] == "synthetic:140:0"
    assert "source" not in open_page(page).query_params, "nothing was chosen yet"


@pytest.mark.parametrize("page", PAGES)
def test_a_source_in_the_address_that_is_no_data_set_is_one_sentence(folders: Path, page: str) -> None:
    (folders / "data").mkdir()
    for name in ("gone.csv", "../../etc/passwd", "x" * 5000):
        app = open_page(page, {"source": name})
        assert not app.exception and len(app.error) == 1, name
        assert "data_source" not in app.session_state and "source" not in app.query_params


def test_a_path_in_the_data_folder_is_opened_and_a_bad_one_changes_nothing(folders: Path) -> None:
    data = folders / "data"
    data.mkdir()
    row = " ".join(["9"] * 2304)
    (data / "faces.csv").write_text(
        "emotion,pixels\n" + "".join(f"{i % 7},{row[:-1]}{i % 7}\n" for i in range(70))
    )
    (data / "broken.csv").write_text("emotion,pixels\n3,1 2 3\n")
    app = open_page("dataset", source_way="Data folder")
    app.selectbox(key="source_path").set_value("broken.csv").run()
    app.button(key="source_use_path").click().run()
    assert "expected 2304 pixel values" in app.error[0].value and "data_source" not in app.session_state
    app.selectbox(key="source_path").set_value("faces.csv").run()
    app.button(key="source_use_path").click().run()
    assert app.session_state["data_source"] == str(data / "faces.csv") and "70" in [
        m.value for m in app.metric
    ]


def test_paths_outside_the_data_folder_are_refused(tmp_path: Path) -> None:
    from fer_core.errors import DataError

    (tmp_path / "data").mkdir()
    (tmp_path / "secret.csv").write_text("x")
    for path in ("../secret.csv", str(tmp_path / "secret.csv"), "/etc/passwd"):
        with pytest.raises(DataError, match="outside the data folder"):
            below((tmp_path / "data").resolve(), path)


def test_an_upload_becomes_a_source_and_a_bad_one_is_not_kept(folders: Path) -> None:
    row = " ".join(["9"] * 2304)
    good = ("emotion,pixels\n" + "".join(f"{i % 7},{row[:-1]}{i % 7}\n" for i in range(70))).encode()
    app = open_page("dataset", source_way="Upload")
    app.file_uploader(key="source_upload").upload("bad.csv", b"emotion,pixels\n1,2 3\n", "text/csv").run()
    app.button(key="source_use_upload").click().run()
    assert app.error and not list((folders / "data" / "uploads").glob("*"))
    app.file_uploader(key="source_upload").upload("good.csv", good, "text/csv").run()
    app.button(key="source_use_upload").click().run()
    assert Path(app.session_state["data_source"]).parent == folders / "data" / "uploads"


def test_a_source_that_vanished_is_one_sentence(folders: Path) -> None:
    app = open_page("dataset", data_source=str(folders / "gone.csv"))
    assert not app.exception and "does not exist" in app.error[0].value


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("status.json", '{"message": "x", "started": "yesterday"}'),
        ("history.csv", "epoch,loss\n1,2\n"),
        ("config.json", "{"),
        ("progress.json", '{"epoch": 3}'),
    ],
)
def test_damaged_run_files_do_not_break_the_pages(folders: Path, file: str, content: str) -> None:
    for name in ("good", "damaged"):
        RunFolder(folders / "runs" / name).create(RunConfig(preset="baseline-deep"))
    (folders / "runs" / "damaged" / file).write_text(content)
    assert not open_page("train", train_view="Watch", train_run="damaged").exception
    assert not open_page("evaluate").exception


def test_training_runs_in_a_process_of_its_own_and_can_be_stopped(folders: Path) -> None:
    app = open_page("train", data_source="synthetic:210")
    app.selectbox(key="train_preset").set_value("baseline-weighted-s").run()
    app.number_input(key="train_epochs_baseline-weighted-s").set_value(500).run()
    app.button(key="train_start").click().run()
    assert not app.exception
    (run,) = list_runs(folders / "runs")
    deadline = time.monotonic() + 240
    while not run.history() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.status()["state"] == "running" and run.status()["epochs"] == 500
    # A new visit finds the run again, with its curves.
    again = open_page("train")
    assert (
        not again.exception
        and again.session_state["train_run"] == run.name
        and len(again.get("plotly_chart")) == 4
    )
    again.button(key=f"watch_stop_{run.name}").click().run()
    while run.status()["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.status()["state"] == "stopped" and (run.bundle / "model.tflite").is_file()
    # Its model can be chosen at once.
    app = open_page("evaluate", data_source="synthetic:210", model_path=str(run.bundle))
    assert not app.exception and app.selectbox(key="evaluate_model").value == str(run.bundle)
