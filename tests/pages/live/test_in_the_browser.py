"""Live video that is processed in the visitor's browser: what it shows, sends, ends and says."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from fer_core.inference import face_table
from tests.pages.camera import write_camera
from tests.pages.conftest import PATIENCE, ROOT
from tests.pages.live.conftest import EMPTY, App, Visitors, choose_model

pytestmark = pytest.mark.long
expect.set_options(timeout=PATIENCE)

TINY = "?way=browser&model=tiny"
# Keeps the camera's tracks, and refuses what a test says.
_WATCH = """
window.tracks = []
window.RealBlob = Blob
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (window.refuses) throw new DOMException("", window.refuses)
  const stream = await ask(wanted)
  window.tracks.push(...stream.getTracks())
  return stream
}
"""
_FORGET = """() => {
  window.tracks = []
  window.refuses = null
  window.Blob = RealBlob
  delete navigator.mediaDevices
}"""


@pytest.fixture(scope="module")
def messages() -> list[str | bytes]:
    """What the tab and the server have sent each other."""
    return []


@pytest.fixture(scope="module")
def tab(chromium: Browser, app: App, messages: list[str | bytes]) -> Iterator[Page]:
    """The view in one tab for all tests that need no other: to open it takes longer than most of them."""
    with chromium.new_context() as context:
        context.grant_permissions(["camera"], origin=app.url)
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE)
        tab.on("websocket", lambda socket: socket.on("framesent", lambda sent: messages.append(sent)))
        tab.on("websocket", lambda socket: socket.on("framereceived", lambda got: messages.append(got)))
        tab.add_init_script(_WATCH)
        tab.goto(app.url + TINY)
        yield tab


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """The tab, in which no camera runs and nothing is changed."""
    tab.set_viewport_size({"width": 1280, "height": 1000})
    choose_model(tab, "tiny")
    expect(tab.locator(".start", has_text="Start")).to_be_visible()
    yield tab
    stop = tab.locator(".start", has_text="Stop")
    if stop.is_visible():
        stop.click()
    tab.evaluate(_FORGET)


def happy(page: Page) -> Locator:
    """The label of the portrait's face, but not of a snapshot."""
    return page.locator(".live").get_by_role("heading", name="happy")


def start(page: Page) -> None:
    page.locator(".start", has_text="Start").click()
    expect(happy(page)).to_be_visible()


def tracks(page: Page) -> list[str]:
    return page.evaluate("window.tracks.map((track) => track.readyState)")


def seconds_used(app: App, page: Page, milliseconds: int) -> float:
    """Return the processor time that the server takes meanwhile."""
    before = psutil.Process(app.process.pid).cpu_times()
    page.wait_for_timeout(milliseconds)
    after = psutil.Process(app.process.pid).cpu_times()
    return after.user + after.system - before.user - before.system


def test_frames_stay_in_the_tab(page: Page, app: App, messages: list[str | bytes]) -> None:
    page.wait_for_timeout(1000)  # the last of what the page itself does
    without_camera = seconds_used(app, page, 5000)
    start(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1000)
    assert messages, "the page itself was sent"
    messages.clear()
    asked.clear()
    with_camera = seconds_used(app, page, 10_000)
    assert messages == [] and [url for url in asked if not url.startswith(("blob:", "data:"))] == []
    assert with_camera < 2 * without_camera + 0.05  # what an idle server does too
    expect(page.locator(".figures")).to_contain_text("frames per second")


def test_a_change_of_settings_or_model_keeps_the_camera(page: Page) -> None:
    start(page)
    video = page.locator("video")
    expect(video).to_have_css("transform", "matrix(-1, 0, 0, 1, 0, 0)")
    page.get_by_test_id("stCheckbox").filter(has_text="Mirror").locator("label").click()
    expect(video).to_have_css("transform", "none")
    choose_model(page, "ferplus")
    expect(happy(page)).to_be_visible()
    assert tracks(page) == ["live"]


def assert_no_worker(page: Page) -> None:
    """Check that the page's worker has ended; the browser tells so a moment after the camera's end."""
    for _ in range(50):
        if not page.workers:
            break
        page.wait_for_timeout(20)
    assert not page.workers


def test_leaving_the_view_ends_the_camera_and_the_worker(page: Page) -> None:
    start(page)
    assert len(page.workers) == 1
    page.get_by_test_id("stCheckbox").filter(has_text="Show").locator("label").click()
    expect(page.locator("video")).to_have_count(0)
    page.wait_for_function("window.tracks.every((track) => track.readyState === 'ended')", timeout=1000)
    assert_no_worker(page)
    page.get_by_test_id("stCheckbox").filter(has_text="Show").locator("label").click()
    start(page)
    page.locator(".start", has_text="Stop").click()
    expect(page.get_by_text("Press Start and look into the camera")).to_be_visible()
    assert tracks(page) == ["ended", "ended"]
    assert_no_worker(page)


def test_a_session_is_saved_as_the_table_of_faces(page: Page) -> None:
    start(page)
    page.wait_for_timeout(2000)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save CSV").click()
    table = pd.read_csv(io.BytesIO(Path(saved.value.path()).read_bytes()))
    classes = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert list(table.columns) == face_table.columns(classes)
    assert len(table) >= 5 and set(table["face"]) == {1} and set(table["model"]) == {"tiny"}
    assert (table["label"] == "happy").mean() > 0.9
    assert table[classes].sum(axis=1).between(0.998, 1.002).all()
    assert table["time"].is_monotonic_increasing and table["x"].between(0, 320).all()
    assert (table["left_eye_x"] > table["right_eye_x"]).all()  # not mirrored


def test_a_snapshot_is_shown_as_a_photo(page: Page) -> None:
    start(page)
    page.get_by_role("button", name="Snapshot").click()
    expect(page.get_by_role("heading", name="Snapshot")).to_be_visible()
    expect(page.get_by_test_id("stImage").first).to_be_visible()
    expect(page.get_by_text("happy").nth(2)).to_be_visible()
    assert tracks(page) == ["live"], "the video goes on"


def test_a_calibration_is_measured_and_cleared(page: Page) -> None:
    start(page)
    page.get_by_role("button", name="Calibrate to my neutral face").click()
    expect(page.get_by_text("Look into the camera with a neutral face")).to_be_visible()
    expect(page.get_by_text("Calibrated to the neutral face of face 1")).to_be_visible()
    # A person whose resting face looks happy to the model is not happy for it.
    expect(happy(page)).to_have_count(0)
    page.get_by_role("button", name="Clear the calibration").click()
    expect(happy(page)).to_be_visible()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("window.refuses = 'NotAllowedError'", "The browser blocks the camera for this page"),
        ("window.refuses = 'NotFoundError'", "This device has no camera"),
        ("window.refuses = 'NotReadableError'", "another program uses it"),
        (
            "Object.defineProperty(navigator, 'mediaDevices', {value: undefined, configurable: true})",
            "needs https or localhost",
        ),
        (
            "window.Blob = function (parts, ...more) "
            "{ return new RealBlob(['WebAssembly.validate = () => false;', ...parts], ...more) }",
            "This browser has no WebAssembly SIMD",
        ),
    ],
)
def test_what_keeps_the_camera_off_is_said(page: Page, script: str, sentence: str) -> None:
    page.evaluate(f"() => {{ {script} }}")
    page.locator(".start", has_text="Start").click()
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    expect(page.locator(".start", has_text="Start")).to_be_visible()
    assert "live" not in tracks(page)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (
            "script-src 'self' blob: 'unsafe-inline'; worker-src blob:",
            "it needs script-src 'wasm-unsafe-eval'",
        ),
        ("worker-src 'none'", "it needs worker-src blob:"),
    ],
)
def test_a_policy_that_forbids_it_is_named(
    chromium: Browser, app: App, visit: Visitors, policy: str, sentence: str
) -> None:
    page = visit(chromium, path=EMPTY)

    def with_policy(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route(lambda address: address == f"{app.url}/{TINY}", with_policy)
    page.goto(app.url + TINY)
    page.locator(".start", has_text="Start").click()
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()


def test_a_frame_without_permission_names_what_it_lacks(chromium: Browser, app: App, visit: Visitors) -> None:
    page = visit(chromium, path=EMPTY)
    other = f"http://127.0.0.1:{app.port}/{TINY}&embed=true"  # another site than localhost
    page.set_content(f'<iframe src="{other}" width="1200" height="900"></iframe>')
    frame = page.frame_locator("iframe")
    frame.locator(".start", has_text="Start").click()
    expect(frame.get_by_role("alert").filter(has_text='allow="camera"')).to_be_visible()


def test_a_phone_shows_video_label_and_bars_at_once(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    start(page)
    page.wait_for_timeout(1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for part in (".video", ".answer", ".bars"):
        box = page.locator(part).bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 844, part


def test_real_photos_are_labelled(
    launch: Callable[..., Browser], visit: Visitors, shared: Path, tmp_path: Path
) -> None:
    photo = sorted((shared / "photos").rglob("*.jpg"))[0]
    film = write_camera(tmp_path / "photo.y4m", Image.open(photo).convert("RGB").resize((180, 180)))
    page = visit(launch(film), path=TINY)
    page.locator(".start", has_text="Start").click()
    expect(page.get_by_role("heading", name="Face 1: ")).to_be_visible()
    started = time.monotonic()
    page.locator(".start", has_text="Stop").click()
    expect(page.locator(".start", has_text="Start")).to_be_visible()
    assert time.monotonic() - started < 10


def test_several_faces_are_all_labelled_and_one_is_chosen(
    launch: Callable[..., Browser], visit: Visitors, tmp_path: Path
) -> None:
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").resize((105, 105))
    group = Image.new("RGB", (210, 210))
    for place in range(4):
        group.paste(portrait, (105 * (place % 2), 105 * (place // 2)))
    page = visit(launch(write_camera(tmp_path / "group.y4m", group)), path="?way=browser&model=photo")
    page.locator(".start", has_text="Start").click()
    faces = page.locator(".faces button")
    expect(faces).to_have_count(4)
    for number in (3, 4):
        page.get_by_role("button", name=f"Face {number}").click()
        expect(page.get_by_role("heading", name=f"Face {number}: 😄 happy")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save CSV").click()
    table = pd.read_csv(io.BytesIO(Path(saved.value.path()).read_bytes()))
    assert table["face"].value_counts().min() >= 1 and table["face"].nunique() == 4
