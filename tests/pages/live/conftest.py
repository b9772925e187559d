"""Visitors of the view Live: Chromium with a camera that shows a film, and a server of their own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect

from tests.chromium import executable
from tests.pages.camera import camera_arguments, write_camera
from tests.pages.conftest import PATIENCE, ROOT, Server, new_visitor
from tests.pages.test_browser import drawn

EMPTY = "/_stcore/health"


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


@pytest.fixture(scope="package")
def launch(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Browser]]:
    """Start a Chromium whose camera shows a file."""
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").resize((180, 180))
    film = write_camera(tmp_path_factory.mktemp("camera") / "camera.y4m", portrait)
    started: list[Browser] = []

    def begin(camera: Path = film) -> Browser:
        arguments = [*camera_arguments(camera), "--renderer-process-limit=1"]  # see `new_visitor`
        started.append(playwright.chromium.launch(executable_path=executable(), args=arguments))
        return started[-1]

    yield begin
    for browser in started:
        browser.close()


@pytest.fixture(scope="package")
def chromium(launch: Callable[..., Browser]) -> Browser:
    return launch()


@pytest.fixture(scope="package")
def desktop(chromium: Browser) -> Iterator[BrowserContext]:
    """The profile in which one visitor after another uses the portrait's camera."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


class Visitors:
    """People who open the page; they leave when the test ends.

    The first uses what the visitors of other tests have used, if the browser is that of `desktop`, and each
    other a browser profile of their own.
    """

    def __init__(self, app: App, desktop: BrowserContext) -> None:
        self.app, self.desktop, self.contexts = app, desktop, list[BrowserContext]()

    def __call__(
        self,
        browser: Browser,
        width: int = 1280,
        camera: bool = True,
        path: str = "",
    ) -> Page:
        """Open the page, or a page of the same origin without the app."""
        if browser == self.desktop.browser and camera and self.desktop not in self.contexts:
            context, page = self.desktop, new_visitor(self.desktop, self.app.url)
            page.set_viewport_size({"width": width, "height": 1000})
        else:
            context = browser.new_context(viewport={"width": width, "height": 1000})
            page = context.new_page()
        self.contexts.append(context)
        page.set_default_timeout(PATIENCE)
        context.grant_permissions(
            ["camera"] if camera else ["geolocation"], origin=self.app.url
        )  # what is not named is denied
        page.goto(self.app.url + path)
        if path != EMPTY:
            drawn(page)
        return page

    def leave(self) -> None:
        for context in self.contexts:
            with contextlib.suppress(Error):  # its browser is gone
                if context == self.desktop:
                    for page in context.pages[1:]:
                        page.close()
                else:
                    context.close()


@pytest.fixture
def visit(app: App, desktop: BrowserContext) -> Iterator[Visitors]:
    visitors = Visitors(app, desktop)
    yield visitors
    visitors.leave()


def choose_model(page: Page, name: str) -> None:
    page.get_by_label("Model").fill(name)
    page.get_by_label("Model").press("Enter")
    expect(page.get_by_text(f"Model: {name}")).to_be_visible()
