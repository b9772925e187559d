"""What only a browser shows: deep links on a fresh server, downloads, uploads, a number out of its range."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from fer_core.bundles.class_names import named_litert
from fer_core.emotions import NAMES
from tests.pages.conftest import PATIENCE, Server, new_visitor
from tests.pages.test_models_page import add_run, whole_card

pytestmark = pytest.mark.long

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"
PATHS = ["", "dataset", "train", "evaluate", "models", "predict", "diagnostics"]
expect.set_options(timeout=PATIENCE)


def drawn(page: Page) -> None:
    """All of the page: until then a part of it may be what was there before."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def visit(page: Page, server: Server, path: str = "") -> None:
    page.goto(f"{server.url}/{path}")
    drawn(page)


@pytest.mark.parametrize("path", PATHS)
def test_a_deep_link_works_as_the_first_visit_to_a_fresh_server(
    context: BrowserContext, tmp_path: Path, path: str
) -> None:
    """And the page asks nothing of other hosts."""
    fresh = Server(tmp_path)
    try:
        page = new_visitor(context, fresh.url)
        asked = set()
        page.on("request", lambda request: asked.add(re.sub(r"^\w+://([^/:]+).*", r"\1", request.url)))
        visit(page, fresh, path)
        expect(page).to_have_title(f"{path.capitalize()} · FER Explorer" if path else "FER Explorer")
        expect(page.get_by_role("heading", level=1)).to_have_text(path.capitalize() or "FER Explorer")
        expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(7)
        expect(page.get_by_text("Deploy", exact=True)).to_have_count(0)
        expect(page.get_by_role("dialog")).to_have_count(0)  # "Page not found"
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert {host for host in asked if not host.startswith(("data:", "blob:"))} == {"localhost"}
        page.close()
    finally:
        fresh.stop()


def test_the_menu_of_a_phone_closes_when_a_page_is_chosen(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, server)
    page.get_by_test_id("stExpandSidebarButton").click()
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Models")
    expect(link).to_be_in_viewport()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    expect(link).not_to_be_in_viewport()


def test_a_presentation_is_without_menu_and_headings(page: Page, server: Server) -> None:
    visit(page, server, "evaluate?present=1")
    expect(page.get_by_text("Accuracy", exact=True)).to_be_visible()
    for hidden in ("stSidebar", "stHeader"):
        expect(page.get_by_test_id(hidden)).not_to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_count(0)  # by role: what is not displayed has none
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"


def parts(file: bytes) -> tuple[bytes, bytes]:
    """A named LiteRT file without the time in its zip: the model, and the names behind it."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        (entry,) = archive.infolist()
        return file[: entry.header_offset], archive.read(entry)


def test_a_model_is_chosen_looked_into_and_downloaded(page: Page, server: Server) -> None:
    bundle = add_run(server.folder, "mine", whole_card())
    visit(page, server, "models")
    page.get_by_role("radio", name="One model").click()
    page.get_by_test_id("stSelectbox").locator("input").click()
    page.get_by_role("option", name="mine").click()
    expect(page).to_have_url(re.compile(r"/models\?model=mine&models_view=One\+model$"))
    page.get_by_role("tab", name="Layers").click()
    expect(page.get_by_text("2,087 parameters")).to_be_visible()
    expect(page.locator("td", has_text="stem_conv")).to_have_count(1)  # the table that screen readers get
    page.get_by_role("tab", name="Files").click()
    drawn(page)  # or the button may still be that of the model before
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("button", name="Download LiteRT").click()
    assert download.value.suggested_filename == "mine.tflite"
    content = (bundle / "model.tflite").read_bytes()
    assert parts(Path(download.value.path()).read_bytes()) == parts(named_litert(content, NAMES))
    page.get_by_role("link", name="Evaluate it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evaluate")
    expect(page.get_by_test_id("stSelectbox").locator("input").first).to_have_value("mine")
    visit(page, server, "models?model=mine")  # as a link that somebody was sent
    expect(page.get_by_test_id("stSelectbox").locator("input")).to_have_value("mine")
    assert "tensorflow" not in server.memory_maps().lower()


def test_an_uploaded_photo_is_classified_without_tensorflow(page: Page, server: Server) -> None:
    visit(page, server, "predict")
    page.locator("input[type=file]").set_input_files(PORTRAIT)
    expect(page.locator(".fer-bars").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Download JSON")).to_be_visible()
    maps = server.memory_maps()
    assert "tensorflow" not in maps.lower()


def test_a_turned_photo_is_shown_upright_with_a_note(page: Page, server: Server) -> None:
    upright = Image.open(PORTRAIT).convert("RGB").crop((56, 0, 456, 512))
    content = io.BytesIO()
    upright.rotate(90, expand=True).save(content, "JPEG")
    visit(page, server, "predict")
    page.locator("input[type=file]").set_input_files(
        {"name": "sideways.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}
    )
    expect(page.get_by_role("heading", name="happy")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("urned by 90°").first).to_be_visible()
    picture = page.get_by_test_id("stImage").first.locator("img")
    picture.evaluate("image => image.decode()")
    width, height = picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert width < height, "the portrait stands upright"


def test_a_number_out_of_its_range_takes_the_start_button_away(page: Page, server: Server) -> None:
    visit(page, server, "train?source=synthetic")
    begin = page.get_by_role("button", name="Start training")
    page.get_by_role("tab", name="Network").click()
    page.get_by_role("button", name="3 Conv").click()  # in the drawing
    filters = page.get_by_role("spinbutton", name="Filters")
    expect(filters).to_have_value("64")
    expect(begin).to_be_visible()
    filters.fill("9999")
    filters.press("Tab")
    expect(page.get_by_text("A number is out of its range")).to_be_visible()
    expect(begin).to_be_hidden()
    filters.fill("40")
    filters.press("Tab")
    expect(begin).to_be_visible()
    expect(page.get_by_role("button", name="3 Conv 24 x 24 x 40")).to_be_visible()


def test_the_toolbar_of_a_table_downloads_no_raw_cells(page: Page, server: Server) -> None:
    """Its CSV would have texts from outside as formulas (fer_core/csv_cells.py)."""
    visit(page, server, "models")
    table = page.get_by_test_id("stDataFrame").first
    table.hover()
    expect(page.get_by_role("button", name=re.compile("^Search")).first).to_be_visible()
    download = page.locator('[aria-label^="Download as CSV"]')
    assert download.count(), "Streamlit has another name for it: see pages/session/table_toolbar.css"
    for number in range(download.count()):
        expect(download.nth(number)).to_be_hidden()
