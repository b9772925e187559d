"""Your faces with the camera: a held button records a burst, and the answer runs beside it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.pages.conftest import PATIENCE, Server, new_visitor
from tests.pages.test_browser import visit

pytestmark = pytest.mark.long


def record(page: Page, label: str) -> None:
    """Hold the button until there are three pictures."""
    page.get_by_role("radio", name=label).click()
    button = page.get_by_role("button", name=f"Hold to record: {label}")
    button.hover()
    page.mouse.down()
    expect(page.get_by_text(re.compile(r"^[3-9] of at most 20"))).to_be_visible()
    page.mouse.up()
    expect(page.get_by_text(re.compile(rf"faces? added to {label}"))).to_be_visible()


def test_bursts_are_recorded_learned_and_answered_live(desktop: BrowserContext, server: Server) -> None:
    page = new_visitor(desktop, server.url)
    page.set_default_timeout(PATIENCE)
    visit(page, server, "train?train_view=Your+faces")
    page.get_by_test_id("stMain").get_by_text("Camera", exact=True).first.click()
    page.get_by_role("button", name="Open the camera").click()
    for label in ("happy", "surprise"):
        record(page, label)
    expect(page.get_by_text("No face yet: neutral.")).to_be_visible()
    record(page, "neutral")
    expect(page.get_by_text("Live, after learning")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Learned happy"))).to_be_visible()
    page.get_by_role("button", name="Close the camera").click()
    expect(page.get_by_role("button", name="Hold to record: neutral")).to_be_hidden()
    page.close()
