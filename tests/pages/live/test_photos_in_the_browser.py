"""Photos that are classified in the visitor's browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fer_core.inference import Predictor, face_table
from tests.pages.conftest import PATIENCE, ROOT
from tests.pages.live.conftest import App, Visitors, choose_model
from tests.until import until

pytestmark = pytest.mark.long
expect.set_options(timeout=PATIENCE)
PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    portrait = Image.open(PORTRAIT).convert("RGB")
    portrait.save(folder / "portrait.jpg")
    portrait.rotate(90, expand=True).save(folder / "sideways.jpg")
    portrait.rotate(180, expand=True).save(folder / "upside down.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held sideways
    portrait.rotate(90, expand=True).save(folder / "phone.jpg", exif=exif)
    group = Image.new("RGB", (2600, 1400), (120, 110, 100))
    for place in range(5):
        group.paste(portrait.resize((300, 300)), (100 + 480 * place, 200 + 150 * place))
    group.save(folder / "=group.jpg")
    small = Image.new("RGB", (640, 480), (120, 110, 100))
    for place in range(4):
        small.paste(portrait.resize((50, 50)), (20 + 150 * place, 40 + 90 * place))
    small.save(folder / "small.png")
    Image.new("RGB", (300, 200), (10, 90, 30)).save(folder / "green.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def tab(chromium: Browser, app: App) -> Iterator[Page]:
    """The view in one tab for all tests: to open it takes longer than most of them."""
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE)
        tab.goto(f"{app.url}?way=photos&model=tiny")
        yield tab


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """The tab without photos."""
    expect(tab.get_by_text("Choose photos")).to_be_visible()
    choose_model(tab, "tiny")
    expect(tab.locator("figure")).to_have_count(0)
    yield tab
    clear = tab.get_by_role("button", name="Clear")
    if clear.is_visible():
        clear.click()


def give(page: Page, *paths: Path) -> None:
    page.locator("input.files").set_input_files(list(paths))
    for path in paths:
        expect(page.locator("figure").filter(has_text=path.name)).to_contain_text("e")


def table(page: Page) -> pd.DataFrame:
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save CSV").click()
    return pd.read_csv(io.BytesIO(Path(saved.value.path()).read_bytes()))


def test_photos_are_classified_without_the_server(page: Page, photos: Path) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    give(page, photos / "portrait.jpg", photos / "phone.jpg", photos / "green.png", photos / "broken.jpg")
    figures = page.locator("figure")
    expect(figures.nth(0).get_by_role("heading", name="happy")).to_be_visible()
    expect(figures.nth(1).get_by_role("heading", name="happy")).to_be_visible()
    expect(figures.nth(2)).to_contain_text("No face was found.")
    expect(figures.nth(3)).to_contain_text("broken.jpg cannot be read by this browser")
    assert [address for address in sent if not address.startswith("blob:")] == []
    rows = table(page)
    assert list(rows.columns) == face_table.columns(Predictor("tiny").classifier.labels)
    assert list(rows["face"]) == [1, 1, 0] and rows["error"].isna().sum() == 2
    assert (rows["rotation"] == 0).all(), "EXIF has turned the second"
    (face,) = Predictor("tiny").predict(PORTRAIT)
    assert abs(rows["x"][0] - face.box[0]) <= 3 and abs(rows["width"][0] - face.box[2]) <= 4
    assert abs(rows["happy"][0] - face.probabilities["happy"]) < 0.1
    page.get_by_role("button", name="Clear").click()
    expect(figures).to_have_count(0)


def test_turned_photos_are_shown_upright_and_say_so(page: Page, photos: Path) -> None:
    give(page, photos / "sideways.jpg", photos / "upside down.jpg")
    expect(page.get_by_role("heading", name="turned by 90°")).to_be_visible()
    expect(page.get_by_role("heading", name="turned by 180°")).to_be_visible()
    rows = table(page)
    assert list(rows["rotation"]) == [90, 180]
    faces = [Predictor("tiny").predict(photos / name)[0] for name in rows["file"]]
    for row, face in zip(rows.itertuples(), faces, strict=True):  # boxes lie in the photo as it came
        assert abs(row.x - face.box[0]) <= 5 and abs(row.y - face.box[1]) <= 5


def test_all_faces_of_a_large_group_are_found(page: Page, photos: Path) -> None:
    give(page, photos / "=group.jpg")
    expect(page.get_by_role("heading", name="Face 5")).to_be_visible()
    rows = table(page)
    assert len(rows) == 5 and set(rows["label"]) == {"happy"}
    assert set(rows["file"]) == {"'=group.jpg"}, "no spreadsheet takes the name for a formula"
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the picture").click()
    picture = Image.open(saved.value.path())
    assert picture.format == "PNG" and max(picture.size) == 1200


def test_small_faces_are_found_in_the_enlarged_picture(page: Page, photos: Path) -> None:
    expected = Predictor("tiny").predict(photos / "small.png")
    assert len(expected) == 4 and max(face.box[2] for face in expected) < 12
    give(page, photos / "small.png")
    expect(page.get_by_role("heading", name="Face 4")).to_be_visible()
    places = sorted((row.x, row.y) for row in table(page).itertuples())
    for place, face in zip(places, sorted(expected, key=lambda face: face.box[0]), strict=True):
        assert abs(place[0] - face.box[0]) <= 2 and abs(place[1] - face.box[1]) <= 2


def test_another_model_answers_again(page: Page, photos: Path) -> None:
    give(page, photos / "portrait.jpg")
    expect(page.get_by_role("heading", name="happy")).to_be_visible()
    assert set(table(page)["model"]) == {"tiny"}
    choose_model(page, "ferplus")
    saving = page.get_by_role("button", name="Save CSV")
    until(lambda: saving.is_visible() and set(table(page)["model"]) == {"ferplus"}, PATIENCE / 1000)
    expect(page.get_by_role("heading", name="happy")).to_be_visible()


def test_a_picture_is_taken_in_the_tab(chromium: Browser, visit: Visitors) -> None:
    page = visit(chromium, path="?way=camera&model=tiny")
    page.get_by_role("button", name="Open the camera").click()
    page.get_by_role("button", name="Take a picture").click()
    expect(page.get_by_role("heading", name="happy")).to_be_visible()
    page.get_by_role("button", name="Close the camera").click()
    expect(page.get_by_role("button", name="Take a picture")).to_have_count(0)
    expect(page.get_by_role("heading", name="happy")).to_be_visible()  # the picture stays
