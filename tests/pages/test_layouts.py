"""Where things are on a desktop, a small laptop and a phone: nothing cut off, what matters in view."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.pages.conftest import Server, new_visitor
from tests.pages.made_runs import made_run
from tests.pages.test_browser import PORTRAIT, drawn, visit

pytestmark = pytest.mark.long

# The views that place things side by side.
ADDRESSES = [
    "",
    *(f"dataset?dataset_view={view}" for view in ("Overview", "Gallery", "Verdicts")),
    *(f"train?train_view={quote(view)}" for view in ("Set up", "Runs", "Repeat the README")),
    *(f"evaluate?evaluate_view={quote(view)}" for view in ("Matrix", "Classes", "Trust", "What if")),
    *(f"models?models_view={quote(view)}" for view in ("Photos", "Step by step")),
    "predict?predict_way=Live",
]
CUT_OFF = Path(__file__).with_name("cut_off.js").read_text()


@pytest.fixture(scope="module")
def visitor(context: BrowserContext, server: Server) -> Page:
    return new_visitor(context, server.url)


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_is_cut_off_on_a_small_laptop_and_a_phone(
    visitor: Page, server: Server, address: str
) -> None:
    visitor.set_viewport_size({"width": 1024, "height": 800})
    visit(visitor, server, address)
    for width in (1024, 390):
        visitor.set_viewport_size({"width": width, "height": 800})
        visitor.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert visitor.evaluate(CUT_OFF) == [], width


def in_view(page: Page, parts: str) -> int:
    """How many of these parts lie in the window as a whole, without scrolling."""
    return page.locator(parts).evaluate_all(
        """parts => parts.map(part => part.getBoundingClientRect())
            .filter(box => box.height > 40 && box.top >= 0 && box.bottom <= innerHeight).length"""
    )


@pytest.fixture(scope="module")
def server_with_a_run(server: Server) -> Server:
    made_run(server.folder / "runs", "mine", epochs=4, state="paused")
    return server


def test_loss_and_accuracy_are_seen_whole_beside_a_run(visitor: Page, server_with_a_run: Server) -> None:
    visitor.set_viewport_size({"width": 1280, "height": 720})
    visit(visitor, server_with_a_run, "train?train_view=Watch")
    expect(visitor.locator(".js-plotly-plot").nth(1)).to_be_visible()
    assert in_view(visitor, ".js-plotly-plot") >= 2


def test_runs_are_cards_on_a_phone(visitor: Page, server_with_a_run: Server) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    visit(visitor, server_with_a_run, "train?train_view=Runs")
    expect(visitor.locator("article")).to_be_visible()
    expect(visitor.get_by_test_id("stDataFrame")).to_have_count(1)
    expect(visitor.get_by_test_id("stDataFrame")).not_to_be_visible()


def test_faces_of_the_gallery_begin_in_the_upper_half(visitor: Page, server: Server) -> None:
    visitor.set_viewport_size({"width": 1400, "height": 900})
    visit(visitor, server, "dataset?dataset_view=Gallery")
    face, drawer = visitor.get_by_role("img").first, visitor.get_by_text("Filters", exact=True)
    split = visitor.get_by_role("radio", name="validation")
    assert face.bounding_box()["y"] < 450
    expect(drawer).not_to_be_visible()
    visitor.set_viewport_size({"width": 390, "height": 844})
    expect(split).not_to_be_visible()
    assert face.bounding_box()["y"] < 422
    drawer.click()
    expect(split).to_be_visible()


def test_six_faces_of_a_group_fit_on_a_screen(visitor: Page, server: Server) -> None:
    portrait, group = Image.open(PORTRAIT).convert("RGB").resize((280, 280)), Image.new("RGB", (900, 600))
    for i in range(6):
        group.paste(portrait, (10 + 300 * (i % 3), 10 + 300 * (i // 3)))
    file = io.BytesIO()
    group.save(file, "PNG")
    visitor.set_viewport_size({"width": 1400, "height": 1000})
    visit(visitor, server, "predict")
    visitor.locator("input[type=file]").set_input_files(
        {"name": "group.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(visitor.locator(".fer-bars")).to_have_count(6)
    drawn(visitor)
    visitor.locator(".fer-bars").first.evaluate("card => card.scrollIntoView()")
    assert in_view(visitor, ".fer-bars") == 6
