"""The Dataset page in a browser: links, clicks on faces, keys, and training on a cleaned variant."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from fer_core.bundles.bundle import find_bundle
from fer_core.data import open_dataset
from fer_core.quality.embedding import make_map
from pages.widgets.faces import data_uri
from tests.pages.conftest import PATIENCE, Server
from tests.pages.test_browser import visit
from tests.until import until

pytestmark = pytest.mark.long

DATA = "source=synthetic:140:11"  # faces of its own, so that no other test has verdicts on them


def faces(page: Page | Locator) -> Locator:
    return page.locator("[data-face]")


def test_a_filter_stands_in_the_address_and_a_link_shows_the_same_faces(page: Page, server: Server) -> None:
    visit(page, server, f"dataset?{DATA}&dataset_view=Gallery&dataset_split=test&dataset_classes=happy")
    expect(page.get_by_text("2 of 2 faces: test, happy")).to_be_visible()
    expect(faces(page)).to_have_count(2)
    expect(faces(page).filter(has_text="😄 happy")).to_have_count(2)
    page.get_by_test_id("stButtonGroup").get_by_role("button", name="sad", exact=True).click()
    expect(faces(page)).to_have_count(4)
    page.get_by_role("radio", name="validation").click()
    expect(page.get_by_text("4 of 4 faces: validation, happy or sad")).to_be_visible()
    expect(page).to_have_url(re.compile("dataset_split=validation"))
    data = open_dataset("synthetic:140:11")
    wanted = np.flatnonzero((data.splits == 1) & np.isin(data.labels, [3, 4]))
    other = page.context.new_page()
    other.goto(page.url)
    for shown in (page, other):
        for place, index in enumerate(wanted):
            expect(faces(shown).nth(place)).to_have_attribute("data-face", str(index))
    page.get_by_role("button", name="All faces").click()
    expect(page.get_by_text("60 of 140 faces")).to_be_visible()
    expect(page).not_to_have_url(re.compile("dataset_split"))


def test_a_face_opens_gets_verdicts_by_keys_and_they_are_undone(page: Page, server: Server) -> None:
    visit(page, server, f"dataset?{DATA}&dataset_view=Gallery&dataset_split=test")
    faces(page).nth(1).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("2 of 14")).to_be_visible()
    expect(dialog.get_by_text("standard predicts")).to_be_visible()
    expect(page).to_have_url(re.compile(r"face=\d+"))
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("3 of 14")).to_be_visible()
    page.keyboard.press("a")
    expect(dialog.get_by_text("4 of 14")).to_be_visible()
    page.keyboard.press("n")
    expect(dialog.get_by_text("5 of 14")).to_be_visible()
    page.keyboard.press("u")
    expect(dialog.get_by_text("4 of 14")).to_be_visible()
    expect(dialog.get_by_text("Is the label right?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("face="))
    expect(faces(page).filter(has_text="≈ ambiguous")).to_have_count(1)
    expect(faces(page).filter(has_text="∅ not a face")).to_have_count(0)
    assert "tensorflow" not in server.memory_maps().lower()


def test_faces_are_chosen_by_keys_faster_than_the_page_answers(page: Page, server: Server) -> None:
    visit(page, server, f"dataset?{DATA}&dataset_view=Gallery&dataset_split=test")
    page.get_by_text("Select", exact=True).click()
    expect(page.get_by_text("Click faces to select them")).to_be_visible()
    faces(page).first.focus()
    for _ in range(6):
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
    expect(page.get_by_text("6 selected")).to_be_visible()
    expect(faces(page).nth(6)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_text("7 selected")).to_be_visible()
    expect(page.locator('[data-face][aria-pressed="true"]')).to_have_count(7)


def test_several_faces_get_one_verdict_and_all_pages_use_the_cleaned_variant(
    page: Page, server: Server
) -> None:
    """tests/pages/test_walks.py trains on it."""
    data = "source=synthetic:140:12"
    visit(page, server, f"dataset?{data}&dataset_view=Gallery&dataset_split=train&dataset_classes=fear")
    page.get_by_text("Select", exact=True).click()
    expect(page.get_by_text("Click faces to select them")).to_be_visible()
    faces(page).nth(0).click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    faces(page).nth(2).click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Not a face").click()
    expect(faces(page).filter(has_text="∅ not a face")).to_have_count(2)
    expect(page.get_by_text("Click faces to select them")).to_be_visible()  # none is chosen any more
    page.get_by_test_id("stButtonGroup").get_by_role("radio", name="Verdicts").click()
    expect(page.get_by_text("2 images left out")).to_be_visible()
    page.get_by_role("button", name="Make a cleaned variant").click()
    expect(page.get_by_text("All pages now use the cleaned variant")).to_be_visible()
    expect(page.get_by_text("138 faces of 48x48")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Train").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page.get_by_label("Data", exact=True)).to_have_value("cleaned.recipe.json")


def test_a_face_of_another_view_opens_too(page: Page, server: Server) -> None:
    visit(page, server, f"dataset?{DATA}&dataset_view=Gallery&face=3")
    expect(page.get_by_role("dialog").get_by_text("4 of 140")).to_be_visible()
    visit(page, server, f"dataset?{DATA}&face=3")  # on the overview, as a link that somebody was sent
    expect(page.get_by_role("dialog").get_by_text("4 of 140")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("Anomalies").or_(page.get_by_text("No anomalies"))).to_be_visible()


def test_a_lasso_on_the_map_shows_those_faces(page: Page, server: Server) -> None:
    data, bundle = open_dataset("synthetic:140"), find_bundle("ferplus")
    make_map(data, bundle)  # in the cache that the server shares
    visit(page, server, "dataset?dataset_view=Map&dataset_model=ferplus&source=synthetic:140")
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box, before = plot.bounding_box(), None
    while box != before:  # the chart grows into its place
        page.wait_for_timeout(500)
        box, before = plot.bounding_box(), box
    point = """([plot, face]) => plot.emit("plotly_hover",
        { points: [{ customdata: face }], event: { clientX: 200, clientY: 200 } })"""
    under_pointer = page.locator("img.face")

    def shown() -> bool:  # the page looks for the chart a few times a second
        page.evaluate(point, [page.locator(".js-plotly-plot").first.element_handle(), 5])
        page.wait_for_timeout(400)
        return under_pointer.is_visible()

    until(shown, PATIENCE / 1000)
    assert under_pointer.get_attribute("src") == data_uri(data.images[5])
    corners = ((0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.01))
    for i, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if not i:
            page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text("140 faces selected")).to_be_visible()
    expect(page.locator("[data-face]")).to_have_count(60)
    page.locator("[data-face]").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("A closer look")
    assert "tensorflow" not in server.memory_maps().lower()
