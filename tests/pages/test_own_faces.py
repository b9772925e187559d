"""Own data in a minute, as a visitor uses it; the section stands alone on a page here."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from fer_core.bundles.bundle import PHOTO_MODEL, find_bundle
from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from pages.views.train import face_collection as collection_module
from pages.views.train.face_collection import FaceCollection
from tests.pages.conftest import open_page

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent.parent
PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"
SCRIPT = """
import streamlit as st
from pages.views.train import own_faces
if not st.toggle("Another page", key="elsewhere"):
    own_faces.show()
    st.text("The page ends here")
"""


def open_section() -> AppTest:
    return AppTest.from_string(SCRIPT, default_timeout=60).run()


def texts(app: AppTest) -> str:
    kinds = (app.subheader, app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def drawn(label: str, count: int, skip: int = 0) -> list[bytes]:
    """Drawn 48x48 faces as PNG; the detector does not take them for faces."""
    data = open_dataset("synthetic:210:1")
    contents = []
    for image in data.images[data.labels == NAMES.index(label)][skip : skip + count]:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        contents.append(buffer.getvalue())
    return contents


def upload(app: AppTest, label: str, *contents: bytes) -> None:
    """Photos for a class."""
    app.segmented_control(key="own_label").set_value(label).run()
    uploader = app.file_uploader(key=f"own_photos_{app.session_state['own_turn']}")
    for i, content in enumerate(contents):
        uploader.upload(f"{label}{i}.png", content, "image/png")
    app.run()


def collect(app: AppTest, count: int = 3) -> None:
    """Drawn faces for each of the first three classes."""
    for label in ("happy", "surprise", "neutral"):
        upload(app, label, *drawn(label, count))
        if "own_take_whole" in [button.key for button in app.button]:
            app.button(key="own_take_whole").click().run()


def held(app: AppTest) -> dict[str, int]:
    box: FaceCollection = app.session_state["own_collection"]
    return {label: len(box.of(label)) for label in NAMES if box.of(label)}


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_from_nothing_to_a_model_that_is_tried_and_saved(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "FER_EXPLORER_HOME", "FER_EXPLORER_CACHE", "TMPDIR"):
        (folders / name).mkdir()
        monkeypatch.setenv(name, str(folders / name))
    monkeypatch.chdir(folders)
    app = open_section()
    assert not app.exception and not app.error
    assert app.button(key="own_learn").disabled and "No face yet: happy, surprise, neutral." in texts(app)

    collect(app)
    assert held(app) == {"happy": 3, "surprise": 3, "neutral": 3} and not app.exception
    app.button(key="own_learn").click().run()
    assert not app.exception and "from 9 faces" in texts(app)
    assert "cross-validation" in texts(app) and "Fewer than 10 faces of happy, surprise, neutral" in texts(
        app
    )

    app.file_uploader(key="own_try_photo").upload("me.jpg", PORTRAIT.read_bytes(), "image/jpeg").run()
    bars = [element.proto.body for element in app.get("html")]
    assert len(bars) == 2 and all(body.count('class="track"') == 3 for body in bars)
    assert "After learning" in texts(app) and f"{PHOTO_MODEL} before" in texts(app)
    assert written(folders) == [], "something was written before it was saved"

    app.text_input(key="own_name").set_value("mine").run()
    app.button(key="own_save").click().run()
    assert not app.error
    assert written(folders) == sorted(
        f"data/mine/{label}/{i:03}.png" for label in ("happy", "surprise", "neutral") for i in (1, 2, 3)
    )
    app.button(key="own_use").click().run()
    assert app.session_state["data_source"] == str(
        folders / "data" / "mine"
    ) and "fine-tune the whole network" in texts(app)
    assert open_dataset(folders / "data" / "mine").split_names() == ["train", "validation"]

    app.button(key="own_save").click().run()
    assert (
        "exists already and is not overwritten" in app.error[0].value
        and app.text[0].value == "The page ends here"
    )
    app.text_input(key="own_name").set_value("../mine").run()
    app.button(key="own_save").click().run()
    assert "cannot name a data set" in app.error[0].value


def test_photos_with_a_face_without_one_and_damaged(folders: Path) -> None:
    app = open_section()
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "grey").save(buffer, "PNG")
    upload(app, "happy", PORTRAIT.read_bytes(), buffer.getvalue(), b"nothing")
    assert [error.value for error in app.error] == [
        "happy2.png cannot be read as an image: expected an intact JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or "
        "TIFF."
    ]
    assert "No face was found in happy1.png." in texts(app) and "1 face added to happy." in texts(app)
    assert held(app) == {"happy": 1}
    app.button(key="own_take_whole").click().run()
    assert held(app) == {"happy": 2} and "No face was found" not in texts(app) and not app.error
    # The same photo again, and for another class.
    upload(app, "neutral", PORTRAIT.read_bytes())
    assert held(app) == {"happy": 2} and "The face in neutral0.png has already been added to happy." in texts(
        app
    )
    upload(app, "neutral", buffer.getvalue())
    app.button(key="own_leave_out").click().run()
    assert held(app) == {"happy": 2} and "No face was found" not in texts(app)


def test_the_new_faces_of_a_burst_are_added_and_learned(folders: Path) -> None:
    app = open_section()
    app.segmented_control(key="own_way").set_value("Camera").run()
    assert not app.exception and app.get("bidi_component")
    box: FaceCollection = app.session_state["own_collection"]
    bundle = find_bundle(PHOTO_MODEL)
    nobody = io.BytesIO()
    Image.new("RGB", (60, 40), "grey").save(nobody, "PNG")
    portrait = PORTRAIT.read_bytes()
    box.add_burst("happy", [portrait, portrait, nobody.getvalue(), b"nothing"], bundle)
    app.run()
    assert held(app) == {"happy": 1}
    assert "1 face added to happy, 3 pictures without a new one." in texts(app)
    assert "No face was found" not in texts(app), "the whole picture is not offered"
    for label in ("surprise", "neutral"):
        box._add(label, np.full((48, 48), NAMES.index(label), np.uint8), "a picture")
    app.session_state["own_recorded"] = True
    app.run()
    assert not app.exception and "Learned happy (1), surprise (1), neutral (1) from 3 faces." in texts(app)
    app.session_state["own_live_answer"] = (7, np.array([0.2, 0.5, 0.3]))
    app.run()
    assert "**Live, after learning**" in texts(app)


def test_only_crops_are_kept(folders: Path) -> None:
    app = open_section()
    upload(app, "happy", PORTRAIT.read_bytes(), *drawn("happy", 1))
    box: FaceCollection = app.session_state["own_collection"]
    arrays = [face.crop for face in box.faces] + [crop for _, _, crop in box.without_face]
    assert [(array.shape, array.dtype) for array in arrays] == [((48, 48), np.uint8)] * 2
    assert all(array.base is None for array in arrays[:1]), "a view of the photo keeps the photo"
    assert "own_photos_0" not in app.session_state and app.file_uploader(key="own_photos_1").value == []


def test_a_face_can_be_removed_and_everything_forgotten(folders: Path) -> None:
    app = open_section()
    collect(app, 2)
    app.button(key="own_learn").click().run()
    app.button(key="own_remove_3").click().run()
    assert held(app) == {"happy": 2, "surprise": 1, "neutral": 2} and "learn again to use them" in texts(app)
    app.button(key="own_learn").click().run()
    assert "cannot be measured yet" in texts(app) and "learn again" not in texts(app)
    app.button(key="own_forget").click().run()
    assert not app.exception and held(app) == {} and "own_model_learned" not in app.session_state
    assert "no face yet" in texts(app) and "5. Save or delete" not in texts(app)
    collect(app, 1)
    assert held(app) == {"happy": 1, "surprise": 1, "neutral": 1}


def test_one_expression_is_too_few_and_faces_of_others_wait(folders: Path) -> None:
    app = open_section()
    collect(app, 1)
    app.pills(key="own_classes").set_value(["happy"]).run()
    assert "at least two expressions" in texts(app) and not app.exception
    app.pills(key="own_classes").set_value(["happy", "sad"]).run()
    assert "No face yet: sad." in texts(app) and "Faces of surprise, neutral are kept but not used" in texts(
        app
    )
    app.pills(key="own_classes").set_value(["happy", "surprise"]).run()
    app.button(key="own_learn").click().run()
    assert "Learned happy (1), surprise (1) from 2 faces." in texts(app)
    assert "at least two faces of each expression: add to happy, surprise." in texts(app)


def test_everything_is_there_after_a_visit_to_another_page(folders: Path) -> None:
    app = open_section()
    app.pills(key="own_classes").set_value(["happy", "sad"]).run()
    app.selectbox(key="own_start").set_value(
        next(option for option in app.selectbox(key="own_start").options if "standard" in option)
    ).run()
    app.segmented_control(key="own_label").set_value("sad").run()
    upload(app, "sad", PORTRAIT.read_bytes())
    app.text_input(key="own_name").set_value("ours").run()
    app.toggle(key="elsewhere").set_value(True).run()
    assert not app.pills
    app.toggle(key="elsewhere").set_value(False).run()
    assert not app.exception and held(app) == {"sad": 1}
    assert (
        list(app.pills(key="own_classes").value) == ["happy", "sad"]
        and app.segmented_control(key="own_label").value == "sad"
    )
    assert (
        app.selectbox(key="own_start").value.endswith("standard")
        and app.text_input(key="own_name").value == "ours"
    )


def test_there_is_a_bound(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection_module, "MOST_FACES", 2)
    app = open_section()
    upload(app, "happy", *drawn("happy", 4))
    if "own_take_whole" in [button.key for button in app.button]:
        app.button(key="own_take_whole").click().run()
    assert held(app) == {"happy": 2} and texts(app).count("At most 2 faces can be collected") == 1


def test_a_damaged_photo_to_try_is_one_sentence_and_the_page_goes_on(folders: Path) -> None:
    app = open_section()
    collect(app, 1)
    app.button(key="own_learn").click().run()
    app.file_uploader(key="own_try_photo").upload("bad.jpg", b"nothing", "image/jpeg").run()
    assert (
        "bad.jpg cannot be read as an image" in app.error[0].value
        and app.text[0].value == "The page ends here"
    )


def test_the_section_learns_without_tensorflow(folders: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.pages import test_own_faces as own
app = own.open_section(); own.collect(app, 2); app.button(key="own_learn").click().run()
assert "from 6 faces" in own.texts(app)
print([m for m in ("tensorflow", "keras") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_stands_on_the_train_page_and_waits_while_others_are_visited(folders: Path) -> None:
    app = open_page("train", train_view="Your faces")
    upload(app, "happy", PORTRAIT.read_bytes())
    app.switch_page("pages/predict.py").run()
    app.switch_page("pages/train.py").run()
    app.segmented_control(key="train_view").set_value("Your faces").run()
    assert not app.exception and held(app) == {"happy": 1} and "1 face" in texts(app)
