"""Live video in Chromium with a fake camera: label, frame rate, stop, restart, closed tabs."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.pages.camera import player, start, start_both, write_camera
from tests.pages.conftest import PATIENCE
from tests.pages.live.conftest import App, Visitors

pytestmark = pytest.mark.long

FREED = 10_000  # within which a closed tab must have freed everything
expect.set_options(timeout=PATIENCE)


def frame_rate(page: Page) -> int:
    return int(
        page.get_by_test_id("stMetric")
        .filter(has_text="Frames per second")
        .get_by_test_id("stMetricValue")
        .inner_text()
    )


def gone_within(milliseconds: int, there: Callable[[], bool]) -> bool:
    ends = time.monotonic() + milliseconds / 1000
    while there():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


def orange_share(page: Page) -> float:
    """Of the pixels of the video that comes back: the colour of the box and label of a happy face."""
    return page.frames[1].evaluate(
        """() => {
            const video = document.querySelector("video"), canvas = document.createElement("canvas")
            canvas.width = video.videoWidth; canvas.height = video.videoHeight
            const context = canvas.getContext("2d"); context.drawImage(video, 0, 0)
            const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data
            let found = 0
            for (let i = 0; i < pixels.length; i += 4)
                if (Math.abs(pixels[i] - 0xE6) < 22 && Math.abs(pixels[i + 1] - 0x9F) < 22
                    && pixels[i + 2] < 50) found += 1
            return found / (pixels.length / 4)
        }"""
    )


def test_a_face_is_labelled_and_settings_and_calibration_take_effect_while_it_runs(
    chromium: Browser, app: App, visit: Visitors
) -> None:
    page = visit(chromium)
    page.get_by_text("Connection check").click()
    expect(page.get_by_text("The browser sees 1 camera.")).to_be_visible()
    start(page)
    expect(page.get_by_test_id("stMetric").filter(has_text="Delay")).to_contain_text("ms")
    expect(page.get_by_alt_text("probabilities of the last 60 seconds of face 1")).to_be_visible()
    page.wait_for_timeout(1500)
    assert frame_rate(page) > 0
    assert orange_share(page) > 0.004  # the label's ground alone has 1 % of the picture
    page.get_by_role("button", name="Calibrate to my neutral face").click()
    expect(page.get_by_text("Look into the camera with a neutral face")).to_be_visible()
    expect(page.get_by_text("Calibrated to the neutral face of face")).to_be_visible()
    page.get_by_role("button", name="Clear the calibration").click()
    expect(page.get_by_role("button", name="Calibrate to my neutral face")).to_be_visible()
    page.get_by_test_id("stCheckbox").filter(has_text="Mirror").locator("label").click()
    page.wait_for_timeout(1500)
    expect(page.get_by_role("heading", name="happy")).to_be_visible()  # the video goes on
    assert app.connections() > 0


def test_on_a_phone_it_is_as_wide_as_the_screen_and_stopped_and_started_again(
    chromium: Browser, app: App, visit: Visitors
) -> None:
    page = visit(chromium, width=390)
    expect(page.get_by_text("Press Start and look into the camera")).to_be_visible()
    start(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for thing in (
        page.locator("iframe").first,
        page.get_by_test_id("stMetric").first,
        page.get_by_role("button", name="Snapshot instead"),
    ):
        box = thing.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    player(page).get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Press Start and look into the camera")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    assert gone_within(FREED, lambda: app.connections() > 0)
    start(page)
    expect(page.get_by_role("heading", name="Face 1: 😄 happy")).to_be_visible()  # numbers begin again


def test_who_closes_the_tab_or_dies_without_a_word_gives_the_place_back(
    launch: Callable[..., Browser], chromium: Browser, app: App, visit: Visitors
) -> None:
    """WebRTC by itself takes half a minute to notice the latter."""
    assert gone_within(FREED, lambda: app.connections() > 0)  # of the tests before
    page, other = visit(chromium), visit(chromium)
    start_both(page, other)
    shared = page.get_by_text("1 other person is using live video on this server")
    before = app.connections()
    other.close()
    expect(shared).to_have_count(0, timeout=FREED)
    assert gone_within(FREED, lambda: app.connections() >= before)

    dying = launch()
    start_both(page, visit(dying))
    processes = dying.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    for process in sorted(
        processes, key=lambda process: process["type"] != "browser"
    ):  # its children might live, and send, for seconds
        with contextlib.suppress(ProcessLookupError):
            os.kill(process["id"], signal.SIGKILL)
    expect(shared).to_have_count(0, timeout=FREED)
    page.close()
    assert gone_within(FREED, lambda: app.connections() > 0)


def test_a_camera_that_is_denied_is_told_in_words(chromium: Browser, visit: Visitors) -> None:
    page = visit(chromium, camera=False)
    expect(page.get_by_text("The browser blocks the camera for this page").first).to_be_visible()


def test_real_photos_are_labelled_too(
    launch: Callable[..., Browser], visit: Visitors, shared: Path, tmp_path: Path
) -> None:
    photo = sorted(
        path for path in (shared / "photos").rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    )[0]
    page = visit(
        launch(write_camera(tmp_path / "photo.y4m", Image.open(photo).convert("RGB").resize((180, 180))))
    )
    start(page, "Face 1: ")
