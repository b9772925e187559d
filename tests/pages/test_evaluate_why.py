"""Evaluate, the parts that ask why and what if: one face looked into, faces changed, faces corrupted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from playwright.sync_api import Page, Route, expect
from streamlit.testing.v1 import AppTest

from fer_core.bundles.bundle import find_bundle
from fer_core.data import Dataset, open_dataset
from fer_core.data.dataset import stratified
from fer_core.errors import ModelError
from fer_core.evaluation.scoring import score
from fer_core.inference import Classifier, Predictor
from fer_core.quality import result_cache
from fer_core.quality.embedding import model_key
from fer_core.robustness import robustness as core
from fer_core.robustness.corruptions import CORRUPTIONS
from fer_core.robustness.what_if import Cover, WhatIf, apply
from pages.session import grad_cam
from pages.views.evaluate import draggable_covers
from pages.widgets.faces import data_uri
from tests.pages.conftest import ROOT, Server
from tests.pages.dataset_view import run, texts, wait
from tests.pages.evaluate_view import components, faces, view
from tests.pages.slow_network import SlowNetwork, Way
from tests.pages.test_browser import visit

pytestmark = pytest.mark.long

SOURCE = "synthetic:140:41"  # which no other test has looked at


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(SOURCE)


def pictures(app: AppTest) -> list[str]:
    """The lines below the pictures of maps and faces."""
    return [
        element.proto.body
        for element in app.get("html")
        if "<figure>" in element.proto.body or 'class="fer-gallery"' in element.proto.body
    ]


def get_ready(app: AppTest) -> None:
    (process,) = grad_cam._current.values()
    process.maps(np.zeros((1, 48, 48), np.uint8))  # waits for it
    run(app)


# --- why


def test_a_face_is_explained_while_grad_cam_gets_ready_and_after(folders: Path, data: Dataset) -> None:
    record = score(find_bundle("standard"), data, "test", save=False).record
    position = int(np.flatnonzero(record.true != record.predicted)[0])
    true, predicted = (record.labels[i] for i in (record.true[position], record.predicted[position]))
    grad_cam.release()
    app = view("Matrix", SOURCE, {"split": "test", "face": str(record.rows[position])})
    assert "Starting Grad-CAM" in texts(app)
    assert len(pictures(app)) == 1 and "grey patch" in pictures(app)[0], "the rest is there at once"
    get_ready(app)
    assert "Starting Grad-CAM" not in texts(app)
    maps = pictures(app)[0]
    assert (
        maps.count("<figure>") == 2
        and f"vidence for {predicted}" in maps
        and f"vidence for the true class, {true}" in maps
    )
    other = next(name for name in record.labels if name not in (true, predicted))
    (choice,) = (box for box in app.segmented_control if box.label == "Evidence for")
    assert choice.value == predicted
    run(choice.set_value(other))
    assert (
        f"vidence for {other}" in pictures(app)[0]
        and f"vidence for the true class, {true}" in pictures(app)[0]
    )
    run(next(box for box in app.segmented_control if box.label == "Evidence for").set_value(true))
    assert pictures(app)[0].count("<figure>") == 1, "the true class alone"


def test_the_feature_maps_of_a_face_are_shown_on_demand(folders: Path, data: Dataset) -> None:
    app = view("Matrix", SOURCE, {"face": str(data.rows[data.indices("validation")[0]])})
    get_ready(app)
    assert not any("fer-maps" in element.proto.body for element in app.get("html"))
    run(app.toggle(key="evaluate_feature_maps").set_value(True))
    (shown,) = (element.proto.body for element in app.get("html") if "fer-maps" in element.proto.body)
    assert shown.count("<section") > 3 and "24 x 24 x" in shown and "last_conv" in shown


def _mean_maps() -> None:
    from pages.views.evaluate import explanation, selection

    here = selection.choose()
    assert here is not None
    explanation.mean_maps(here)


def test_mean_maps_by_class_are_made_once_and_kept(folders: Path, data: Dataset) -> None:
    app = AppTest.from_function(_mean_maps, default_timeout=60)
    app.session_state["data_source"] = SOURCE
    run(app)
    run(app.button(key="evaluate_mean_maps").click())
    wait()
    run(app)
    record = score(find_bundle("standard"), data, "validation", save=False).record
    counts = [int(((record.true == i) & (record.predicted == i)).sum()) for i in range(7)]
    for name, count in zip(record.labels, counts, strict=True):
        text = (
            f"{name}: {count} {'face' if count == 1 else 'faces'}"
            if count
            else f"{name}: no correct prediction"
        )
        assert text in pictures(app)[0]
    (file,) = result_cache.path("mean-maps", data).parent.glob(f"{result_cache.key(data)}-mean-maps-*.npz")
    assert file.is_file()
    again = AppTest.from_function(_mean_maps, default_timeout=60)
    again.session_state["data_source"] = SOURCE
    run(again)
    assert pictures(again) == pictures(app)


def test_without_the_keras_file_grad_cam_is_one_sentence_and_the_rest_stays(
    folders: Path, trained_run: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(find_bundle(str(trained_run)).path, folders / "models" / "lean")
    (folders / "models" / "lean" / "model.keras").unlink()
    monkeypatch.setenv("FER_MODELS_DIR", str(folders / "models"))
    row = str(data.rows[data.indices("test")[0]])
    app = view("Matrix", SOURCE, {"split": "test", "face": row}, model_path=str(folders / "models" / "lean"))
    assert ["which is missing" in error.value for error in app.error] == [True]
    assert len(pictures(app)) == 1 and "grey patch" in pictures(app)[0]
    assert app.button(key="evaluate_find_alike")


def test_the_nearest_training_faces_are_found_in_the_background(folders: Path, voted: Path) -> None:
    leaked = open_dataset(voted)
    result_cache.path("features", leaked, model_key(find_bundle("standard"))).unlink(
        missing_ok=True
    )  # other tests may have looked at these faces
    app = view("Matrix", voted, {"face": "170"})  # also stands in train, as 142
    run(app.button(key="evaluate_find_alike").click())
    wait()
    run(app)
    found = pictures(app)[0] if 'class="fer-gallery"' in pictures(app)[0] else pictures(app)[1]
    assert (
        found.count("fer-face") >= 8 and found.count("the same image") == 2
    )  # in the caption, and in the text for who cannot see it
    assert data_uri(leaked.images[142]) in found
    assert not [button for button in app.button if button.key == "evaluate_find_alike"]


def test_another_model_takes_the_place_of_the_process_before(trained_run: Path) -> None:
    one, other = find_bundle("standard"), find_bundle(str(trained_run))
    first = grad_cam.process(one)
    assert grad_cam.process(one) is first and len(grad_cam._current) == 1
    second = grad_cam.process(other)
    assert second is not first and list(grad_cam._current.values()) == [second]
    with pytest.raises(ModelError, match="was closed"):
        first.start()
    assert grad_cam.process(one) is not first, "it starts again"


# --- what if


def stage(app: AppTest) -> dict[str, Any]:
    """The face that can be dragged on."""
    return next(data for data in components(app) if "covers" in data)


def shown_face(app: AppTest, data: Dataset) -> np.ndarray:
    """The one that things are tried on."""
    (index,) = (
        i for i in data.labelled_indices("validation") if data_uri(data.images[i]) == stage(app)["bare"]
    )
    return np.asarray(data.images[index])


def bars(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html") if 'class="fer-bars"' in element.proto.body]


def test_what_is_put_on_changes_the_picture_and_the_answer_and_is_undone(
    folders: Path, data: Dataset
) -> None:
    app = view("What if", SOURCE)
    face = shown_face(app, data)
    assert stage(app)["seen"] == stage(app)["bare"] and not stage(app)["covers"] and len(bars(app)) == 1
    assert app.button(key="what_if_undo").disabled
    before = bars(app)[0]
    run(app.pills(key="what_if_worn_0").set_value(["sunglasses"]))
    (cover,) = stage(app)["covers"]
    worn = apply(face, WhatIf((Cover("sunglasses", *cover["at"], cover["width"], cover["tilt"]),)))
    assert stage(app)["seen"] == data_uri(worn) and stage(app)["bare"] == data_uri(face)
    run(app.slider(key="what_if_dark_0").set_value(60))
    run(app.slider(key="what_if_tilt_0").set_value(20))
    what = WhatIf(
        (Cover("sunglasses", *cover["at"], cover["width"], cover["tilt"]),), rotation=20.0, darkness=0.6
    )
    assert stage(app)["seen"] == data_uri(apply(face, what)) and stage(app)["rotation"] == 20
    classifier = Classifier(find_bundle("standard"))
    row = classifier.probabilities(apply(face, what)[None])[0]
    now, then = bars(app)
    assert then == before and f"<span>{row[1]:.0%}</span>" in now
    label, was = (classifier.labels[int(r.argmax())] for r in (row, classifier.probabilities(face[None])[0]))
    assert (f"still **{label}**" if label == was else f"**{label}** instead of {was}") in texts(app)
    run(app.button(key="what_if_undo").click())
    assert stage(app)["seen"] == data_uri(face) and bars(app) == [before]


def test_the_face_that_was_looked_at_is_the_one_to_try_things_on(folders: Path, data: Dataset) -> None:
    index = int(data.labelled_indices("validation")[3])
    app = view("What if", SOURCE, {"face": str(data.rows[index])})
    assert stage(app)["bare"] == data_uri(data.images[index])
    del app.query_params["face"]
    run(app)
    assert stage(app)["bare"] == data_uri(data.images[index]), "also once it was closed"
    run(app.button(key="what_if_other").click())
    strip = [face["src"] for face in faces(app)]
    assert stage(app)["bare"] == strip[0] and len(strip) == 8
    run(app.button(key="what_if_other").click())
    assert [face["src"] for face in faces(app)] != strip


def _without_images() -> None:
    from dataclasses import replace

    import streamlit as st

    from pages.views.evaluate import robustness, selection, what_if

    here = selection.choose()
    assert here is not None
    view = {"what": what_if, "robust": robustness}[st.session_state["trial"]]
    view.show(replace(here, data=None, indices=None))


@pytest.mark.parametrize("trial", ["what", "robust"])
def test_without_the_images_embedded_faces_stand_in(folders: Path, trial: str) -> None:
    app = AppTest.from_function(_without_images, default_timeout=60)
    app.session_state["data_source"], app.session_state["trial"] = SOURCE, trial
    run(app)
    assert not app.error
    if trial == "what":
        assert stage(app)["bare"] in {data_uri(image) for image in open_dataset("synthetic:70").images}
    else:
        assert "embedded drawing" in texts(app) and "they are not available here" in texts(app)
        assert pictures(app)[0].count('class="fer-face"') == 1 + len(CORRUPTIONS)


def test_ones_own_photo_is_cut_to_the_face_and_one_that_cannot_be_read_is_one_sentence(folders: Path) -> None:
    app = view("What if", SOURCE)
    portrait = (ROOT / "pages" / "assets" / "portrait.jpg").read_bytes()
    drawn = stage(app)["bare"]
    (upload,) = app.file_uploader
    run(upload.upload("me.jpg", portrait, "image/jpeg"))
    (face,) = Predictor(find_bundle("standard")).predict(portrait)
    assert stage(app)["bare"] == data_uri(face.crop) and not app.error
    run(app.file_uploader[0].set_value([("broken.jpg", b"no picture", "image/jpeg")]))
    assert len(app.error) == 1 and stage(app)["bare"] == drawn, "the faces of the data are back"


@pytest.mark.parametrize("sent", [None, "x", [1], [1, 2, 3], {"a": 1}, [float("nan"), 0.5], ["a", "b"]])
def test_what_is_no_place_leaves_a_cover_where_it_was(sent: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"here": {"places": {"at": {"mask": sent}}}})
    assert draggable_covers.places("here", [Cover("mask", 0.4, 0.6)]) == [(0.4, 0.6)]


def test_places_are_kept_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"here": {"places": {"at": {"mask": [1.7, -3]}}}})
    covers = [Cover("mask", 0.4, 0.6), Cover("sunglasses", 0.5, 0.3)]
    assert draggable_covers.places("here", covers) == [(1.0, 0.0), (0.5, 0.3)] and draggable_covers.places(
        "other", covers[1:]
    ) == [(0.5, 0.3)]


# --- robustness


def test_robustness_is_measured_in_the_background_and_told_in_words(folders: Path) -> None:
    source = "synthetic:70:42"
    app = view("Robustness", source)
    assert pictures(app)[0].count('class="fer-face"') == 1 + len(CORRUPTIONS), (
        "samples are there before any measurement"
    )
    run(app.button(key="robustness_start").click())
    wait()
    run(app)
    bundle, data = find_bundle("standard"), open_dataset(source)
    record = score(bundle, data, "validation", save=False).record
    result = core.load(bundle, core.key(record, stratified(record.true, 500)))
    assert result is not None and result.count == len(record)
    assert {m.label: m.value for m in app.metric}["Corrupted"] == f"{result.mean_accuracy:.1%}"
    worst = min(CORRUPTIONS, key=lambda name: sum(result.right[name]))
    assert (
        f"The worst is **{worst.replace('_', ' ').replace('jpeg', 'JPEG')}**: {result.mean(worst):.1%}"
        in texts(app)
    )
    (curves,) = (data["html"] for data in components(app) if "html" in data)
    assert curves.count("<svg") == len(CORRUPTIONS) and curves.count("<circle") == 5 * len(CORRUPTIONS)
    titles = re.findall("<h6>(.*?)</h6>", curves)
    assert titles == [name.replace("_", " ").replace("jpeg", "JPEG") for name in result.worst_first] and len(
        titles
    ) == len(CORRUPTIONS)
    low, high = result.intervals("fog")[4]
    assert f"standard, fog, level 5: {result.accuracies('fog')[4]:.1%} ({low:.1%} to {high:.1%})" in curves
    run(app.segmented_control(key="robustness_level").set_value(5))
    assert pictures(app)[-1].count('class="fer-face"') == 1 + len(CORRUPTIONS)

    other = find_bundle("ferplus")
    on = core.key(record, stratified(record.true, 500))
    run(app.multiselect(key="robustness_compare").set_value([str(other.path)]))
    assert app.button(key=f"robustness_start_{other.path}").label == "Measure ferplus"
    core.save(
        other, on, core.Robustness("ferplus", result.count, 1, dict.fromkeys(CORRUPTIONS, (1, 1, 1, 0, 0)))
    )
    run(app)
    (curves,) = (data["html"] for data in components(app) if "html" in data)
    assert curves.count("<circle") == 10 * len(CORRUPTIONS) and "ferplus, fog, level 5: 0.0%" in curves


# --- in a browser


def in_the_middle(page: Page) -> None:
    """Scroll the face to where no focus scrolls it any more."""
    page.locator(".stage").evaluate("stage => stage.scrollIntoView({ block: 'center' })")


def test_a_mask_is_dragged_and_moved_by_keys(page: Page, server: Server) -> None:
    visit(page, server, "evaluate?evaluate_view=What+if")
    page.get_by_role("button", name="Mask", exact=True).click()
    mask, face = page.locator("[data-kind=mask]"), page.locator(".stage > img")
    expect(mask).to_be_visible()
    in_the_middle(page)
    before, start = face.get_attribute("src"), mask.bounding_box()
    assert start is not None and before is not None
    x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 30, y - 50, steps=5)
    expect(mask.locator("img")).to_have_css("opacity", "1")  # it follows the hand
    page.mouse.up()
    expect(mask.locator("img")).to_have_css("opacity", "0")  # and then is part of the picture
    dragged = face.get_attribute("src")
    end = mask.bounding_box()
    assert dragged != before and end is not None
    assert end["x"] - start["x"] == pytest.approx(-30, abs=2) and end["y"] - start["y"] == pytest.approx(
        -50, abs=2
    )
    mask.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(mask.locator("img")).to_have_css("opacity", "0")
    expect(face).not_to_have_attribute("src", dragged or "")
    lower, stage_box = mask.bounding_box(), page.locator(".stage").bounding_box()
    assert lower is not None and stage_box is not None
    assert lower["y"] - end["y"] == pytest.approx(2 * stage_box["height"] / 48, abs=1)
    page.get_by_role("button", name="Undo all").click()
    expect(mask).to_have_count(0)
    expect(page.get_by_role("button", name="Undo all")).to_be_disabled()
    assert "tensorflow" not in server.memory_maps().lower()


def test_the_answer_to_an_earlier_move_does_not_take_the_latest_back(page: Page, server: Server) -> None:
    network = SlowNetwork(page)
    visit(page, server, "evaluate?evaluate_view=What+if")
    page.get_by_role("button", name="Mask", exact=True).click()
    mask, face = page.locator("[data-kind=mask]"), page.locator(".stage > img")
    expect(mask).to_be_visible()
    in_the_middle(page)
    start, stage_box = mask.bounding_box(), page.locator(".stage").bounding_box()
    assert start is not None and stage_box is not None

    def lower(way: Way) -> None:
        """Press a key; the place is sent when no other has followed for a moment."""
        before = len(way)
        page.keyboard.press("ArrowDown")
        way.wait_for_more(page, before)

    mask.focus()
    network.to_browser.hold()
    lower(network.to_browser)
    page.wait_for_timeout(1000)  # the whole answer
    network.to_app.hold()
    lower(network.to_app)
    network.to_browser.release()
    page.wait_for_timeout(500)  # the answer to the first move is drawn, or left out
    lower(network.to_app)
    network.to_app.release()
    expect(mask.locator("img")).to_have_css("opacity", "0")  # it is part of the picture
    end = mask.bounding_box()
    assert end is not None and end["y"] - start["y"] == pytest.approx(3 * stage_box["height"] / 48, abs=1)
    expect(face).to_have_attribute("alt", "the face as the model sees it, with mask")


# Components' scripts come from an address instead of from memory, so that the test can let them come late.
_SCRIPTS_FROM_ADDRESSES = """
window.scripts = []
const make = URL.createObjectURL.bind(URL)
URL.createObjectURL = (blob) => {
  if (blob.type !== "text/javascript") return make(blob)
  return location.origin + "/script-" + (window.scripts.push(blob) - 1) + ".js"
}
"""


def test_what_is_chosen_while_a_script_loads_is_what_is_drawn(page: Page, server: Server) -> None:
    """Browsers leave open in which order the calls come that waited for it."""
    asked: list[Route] = []
    page.add_init_script(_SCRIPTS_FROM_ADDRESSES)
    page.route(
        "**/script-*.js", lambda route: asked.append(route)
    )  # Playwright cannot take the bound method itself
    visit(page, server, "evaluate?evaluate_view=What+if")
    for kind, is_on in [
        ("mask", True),
        ("sunglasses", True),
        ("mask", False),
        ("sunglasses", False),
        ("mask", True),
    ]:
        page.get_by_role("button", name=kind.capitalize(), exact=True).click()
        expect(page.get_by_role("group", name=f"Size of the {kind}")).to_have_count(int(is_on))
    expect(page.get_by_text("Drag mask and sunglasses")).to_be_visible()
    assert asked, "the scripts were not held up"
    for route in asked:
        number = route.request.url.split("script-")[1].removesuffix(".js")
        route.fulfill(content_type="text/javascript", body=page.evaluate(f"window.scripts[{number}].text()"))
    expect(page.locator(".stage > img")).to_have_attribute("alt", "the face as the model sees it, with mask")
    assert page.locator("[data-kind]").evaluate_all(
        "covers => covers.map((cover) => cover.dataset.kind)"
    ) == ["mask"]
