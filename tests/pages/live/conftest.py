"""Visitors of the view Live: Chromium with a camera that shows a film, and a server of their own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.chromium import executable
from tests.pages.camera import camera_arguments, write_camera
from tests.pages.conftest import PATIENCE, ROOT, Server
from tests.pages.test_browser import drawn


class App(Server):
    """The view Live in a server of its own, which no other test shares."""

    def connections(self) -> int:
        """UDP sockets of the server, over which video comes."""
        process = Path(f"/proc/{self.process.pid}")
        udp = {
            line.split()[9]
            for name in ("udp", "udp6")
            for line in (process / "net" / name).read_text().splitlines()[1:]
        }
        links = [os.readlink(link) for link in (process / "fd").iterdir() if link.is_symlink()]
        return sum(
            link.removeprefix("socket:[").rstrip("]") in udp for link in links if link.startswith("socket:[")
        )


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    started = App(tmp_path_factory.mktemp("live"), script="tests/pages/live/live_view.py")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Browser]]:
    """Start a Chromium whose camera shows a file."""
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").resize((180, 180))
    film = write_camera(tmp_path_factory.mktemp("camera") / "camera.y4m", portrait)
    with sync_playwright() as playwright:
        started: list[Browser] = []

        def begin(camera: Path = film) -> Browser:
            started.append(
                playwright.chromium.launch(executable_path=executable(), args=camera_arguments(camera))
            )
            return started[-1]

        yield begin
        for browser in started:
            browser.close()


@pytest.fixture(scope="module")
def chromium(launch: Callable[..., Browser]) -> Browser:
    return launch()


class Visitors:
    """People who open the page, each in a browser profile of their own; they leave when the test ends."""

    def __init__(self, app: App) -> None:
        self.app, self.contexts = app, list[BrowserContext]()

    def __call__(
        self,
        browser: Browser,
        width: int = 1280,
        camera: bool = True,
        path: str = "",
        height: int = 1000,
        script: str = "",
    ) -> Page:
        """Open the page; `script` runs in it before those of the app."""
        context = browser.new_context(viewport={"width": width, "height": height})
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        if script:
            page.add_init_script(script)
        context.grant_permissions(
            ["camera"] if camera else ["geolocation"], origin=self.app.url
        )  # what is not named is denied
        page.goto(self.app.url + path)
        drawn(page)
        return page


@pytest.fixture
def visit(app: App) -> Iterator[Visitors]:
    visitors = Visitors(app)
    yield visitors
    for context in visitors.contexts:
        with contextlib.suppress(Error):  # its browser is gone
            context.close()
