"""The Predict page in a browser: all its views; the server writes no photo and connects to no other host."""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright, expect

from tests.chromium import executable
from tests.conftest import ROOT
from tests.pages.camera import camera_arguments, player, start, write_camera
from tests.pages.conftest import PATIENCE, Server
from tests.video import made

pytestmark = pytest.mark.long

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"

# Python runs this by itself when it starts: what `tests.audit` tells stands in WATCHED, a line each.
_WATCH = (
    (ROOT / "tests" / "audit.py").read_text()
    + """

import json
_log = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
watch(lambda event: os.write(_log, (json.dumps(event) + "\\n").encode()))
"""
)
_PLACES = ("home", "temporary", "cache")


class Watched:
    """A server whose files and connections are looked at while it runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "watch").mkdir()
        (folder / "watch" / "sitecustomize.py").write_text(_WATCH)
        self.log = folder / "watched.jsonl"
        self.places = [folder / name for name in _PLACES]
        for place in self.places:
            place.mkdir()
        home, temporary, cache = (str(place) for place in self.places)
        with monkeypatch.context() as own:  # the browser of the test is not the one that is watched
            for name, value in {
                "WATCHED": str(self.log),
                "PYTHONPATH": str(folder / "watch"),
                "HOME": home,
                "FER_EXPLORER_HOME": home,
                "TMPDIR": temporary,
                "XDG_CACHE_HOME": cache,
                "FER_EXPLORER_CACHE": cache,
            }.items():
                own.setenv(name, value)
            self.server = Server(folder, preloaded=False)
        self.called: set[str] = set()
        self.written: set[str] = set()
        self.over = threading.Event()
        self.looks = 0
        self.thread = threading.Thread(target=self._look, daemon=True)

    def begin(self) -> None:
        """From here on nothing may be written or sent: the app has started."""
        self.log.write_bytes(b"")
        self.thread.start()

    def _look(self) -> None:
        """What native code opens and calls Python's hook does not see; the kernel does."""
        process = psutil.Process(self.server.process.pid)
        while not self.over.is_set():
            for one in [process, *process.children(recursive=True)]:
                try:
                    for connection in one.net_connections("inet"):
                        if connection.raddr:
                            self.called.add(connection.raddr.ip)
                    self.written |= {file.path for file in one.open_files() if set(file.mode) & set("wa+")}
                except psutil.Error:
                    continue
            self.looks += 1
            time.sleep(0.1)

    def end(self) -> list[list[str]]:
        """What Python did since `begin`."""
        self.over.set()
        self.thread.join()
        self.server.stop()
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    made_one = Watched(tmp_path, monkeypatch)
    yield made_one
    made_one.over.set()
    if made_one.server.process.is_running():
        made_one.server.stop()


@pytest.fixture
def visitor(playwright: Playwright, watched: Watched, tmp_path: Path) -> Iterator[Page]:
    film = write_camera(tmp_path / "camera.y4m", Image.open(PORTRAIT).convert("RGB").resize((180, 180)))
    browser = playwright.chromium.launch(executable_path=executable(), args=camera_arguments(film))
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["camera"], origin=watched.server.url)
    yield context.new_page()
    browser.close()


def choose(page: Page, way: str) -> None:
    page.get_by_role("radiogroup").get_by_text(way, exact=True).click()


def take_photo(page: Page) -> None:
    """Press the button of Streamlit's camera, which a starved machine may miss: a person presses again."""
    for _ in range(3):
        page.get_by_role("button", name="Take photo").click()
        with contextlib.suppress(AssertionError):
            expect(page.get_by_role("heading", name="happy")).to_be_visible(timeout=PATIENCE / 3)
            return
    expect(page.get_by_role("heading", name="happy")).to_be_visible()


def own_addresses() -> set[str]:
    return {
        address.address.split("%")[0] for found in psutil.net_if_addrs().values() for address in found
    } | {"127.0.0.1", "::1"}


def test_every_way_answers_and_no_picture_is_written_or_sent(watched: Watched, visitor: Page) -> None:
    page = visitor
    page.goto(f"{watched.server.url}/predict")
    uploads = page.get_by_test_id("stFileUploaderDropzoneInput")
    expect(page.get_by_text("Drop one photo or many")).to_be_visible()
    watched.begin()

    photo = PORTRAIT.read_bytes()
    uploads.set_input_files(
        [
            {"name": "one.jpg", "mimeType": "image/jpeg", "buffer": photo},
            {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"},
        ]
    )
    expect(page.get_by_role("heading", name="happy")).to_be_visible()
    expect(page.get_by_text("bad.jpg")).not_to_have_count(0)

    choose(page, "Album")
    expect(page.get_by_text("Drop hundreds of photos")).to_be_visible()
    expect(uploads).to_have_count(1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/one.jpg", photo)
        archive.writestr("a/two.jpg", photo)
    uploads.set_input_files({"name": "album.zip", "mimeType": "application/zip", "buffer": packed.getvalue()})
    page.get_by_role("button", name="Classify 2 photos").click()
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()

    choose(page, "Video")
    expect(page.get_by_text("Drop a video.")).to_be_visible()
    expect(uploads).to_have_count(1)
    uploads.set_input_files(
        {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": made.video(made.moving(12))}
    )
    page.get_by_role("button", name="Track the faces").click()
    expect(page.get_by_text("mostly")).to_be_visible()

    choose(page, "Camera")
    page.get_by_role("button", name="Open the camera").click()
    page.get_by_role("button", name="Take a picture").click()
    expect(page.get_by_role("heading", name="happy")).to_be_visible()
    choose(page, "On the server")
    page.wait_for_function(
        "() => document.querySelector('video')?.currentTime > 0.5"
    )  # before that the camera's picture is black
    take_photo(page)

    choose(page, "Live")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="happy")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    choose(page, "On the server (WebRTC)")
    start(page)
    page.wait_for_timeout(2000)
    player(page).get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Press Start and look into the camera")).to_be_visible()
    page.get_by_role("button", name="Snapshot instead").click()
    expect(page.get_by_role("button", name="Take photo")).to_be_visible()

    did = watched.end()
    assert watched.looks > 20
    opened = {path for event, path in did if event == "open"} | watched.written
    allowed = {os.devnull, str(watched.log), str(watched.server.folder / "server.log")}
    assert {path for path in opened if path not in allowed and not path.startswith("/dev/")} == set()
    others = [entry for entry in did if entry[0] != "open" and not entry[0].startswith("socket")]
    assert [
        entry for entry in others if entry != ["subprocess.Popen", "/sbin/ldconfig"]
    ] == []  # by which ctypes looks for a library
    assert [path for place in watched.places for path in place.rglob("*") if path.is_file()] == []
    assert watched.called - own_addresses() == set()
    strangers = [
        entry
        for entry in did
        if entry[0].startswith("socket") and not any(own in entry[1] for own in own_addresses())
    ]
    assert strangers == []
