"""A Chromium whose camera shows a film, and the player of the live view."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import FrameLocator, Page, expect

from tests.pages.conftest import PATIENCE
from tests.until import until


def camera_arguments(film: Path) -> list[str]:
    """What Chromium is started with, so that its camera shows `film`, a file of `write_camera`."""
    return [
        "--no-sandbox",
        "--disable-gpu",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        # Answers that a test changes do not count as local, and could not connect to the app.
        "--disable-features=LocalNetworkAccessChecks",
        f"--use-file-for-fake-video-capture={film}",
    ]


def write_camera(path: Path, head: Image.Image, height: int = 240, rate: int = 5) -> Path:
    """Write a film in which a head sways slowly enough for a busy machine; a small one is little work.

    Args:
        path: Its name ends in .y4m, for which Chromium keeps to the rate.
        head: Some three quarters of the film's height.
        height: In pixels; the film is four thirds as wide.
        rate: Frames a second.
    """
    width = height * 4 // 3
    with path.open("wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (width, height, rate))
        for turn in np.linspace(0, 2 * np.pi, 180, endpoint=False):
            picture = Image.new("RGB", (width, height), (95, 105, 115))
            # Two periods, so that hardly any place comes twice: equal faces of a burst count once.
            across, down = height / 12 * np.sin(turn), height / 20 * np.sin(3 * turn + 1)
            picture.paste(head, (round((width - head.width) / 2 + across), round(height / 8 + down)))
            light, blue, red = picture.convert("YCbCr").split()
            planes = (light, blue.reduce(2), red.reduce(2))
            out.write(b"FRAME\n" + b"".join(plane.tobytes() for plane in planes))
    return path


def player(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def start(page: Page, heading: str = "happy") -> None:
    """Press Start until a face is labelled with this heading.

    On a starved machine a connection may end before its first frame, and a person presses again.
    """
    begin = player(page).get_by_role("button", name="Start")
    begin.click()
    for _ in range(2):
        with contextlib.suppress(AssertionError):
            expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=PATIENCE / 2)
            return
        if begin.is_visible():
            begin.click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()


def start_both(one: Page, other: Page) -> None:
    """Start what does not run yet, and wait until each page shows the other visitor.

    While one video starts, a starved machine may delay the other one until it is ended.
    """
    pages = (one, other)
    for page in pages:
        expect(player(page).get_by_role("button", name=re.compile("^(Start|Stop)$"))).to_be_visible()

    def together() -> bool:
        for page in pages:
            if player(page).get_by_role("button", name="Start").is_visible():
                start(page)
        return all(
            page.get_by_text("1 other person is using live video on this server").is_visible()
            for page in pages
        )

    until(together, 2 * PATIENCE / 1000)
