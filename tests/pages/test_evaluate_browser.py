"""The Evaluate page in a browser: a cell, its faces, an explanation, threshold, quiz and comparison."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from fer_core.bundles.bundle import find_bundle
from fer_core.data import open_dataset
from fer_core.evaluation.comparison import compare_records
from fer_core.evaluation.scoring import score
from fer_core.metrics.calibration import reliability, rescale, selective_accuracy
from fer_core.metrics.classification import confusion
from fer_core.metrics.curves import curves
from tests.pages.conftest import Server
from tests.pages.slow_network import SlowNetwork
from tests.pages.test_browser import drawn, visit

pytestmark = pytest.mark.long

SOURCE = "synthetic:350:31"
LINK = f"evaluate?source={SOURCE}"
SLOW = 120_000  # milliseconds: TensorFlow starts in a process of its own


def answers(model: str = "standard"):
    return score(find_bundle(model), open_dataset(SOURCE), "validation", save=False).record


def cell(page: Page, row: int, column: int) -> Locator:
    return page.locator(f'[data-place="{row},{column}"]')


def use_source(page: Page, server: Server) -> None:
    visit(page, server, LINK)
    expect(cell(page, 0, 0)).to_be_visible()
    drawn(page)  # what is below the matrix too


def test_from_a_cell_to_its_faces_to_why(page: Page, server: Server) -> None:
    record = answers()
    counts = confusion(record.true, record.predicted, 7)
    off = counts - np.diag(np.diag(counts))
    row, column = map(int, np.unravel_index(off.argmax(), off.shape))
    true, predicted = record.labels[row], record.labels[column]
    visit(page, server, f"dataset?source={SOURCE}")  # the choice holds for all pages
    expect(page.get_by_text("350 faces of 48x48")).to_be_visible()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Evaluate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evaluate")
    expect(cell(page, row, column)).to_have_text(str(off.max()))
    cell(page, row, column).click()
    expect(page.get_by_text(f"True {true}, predicted {predicted}", exact=True)).to_be_visible()
    expect(page.locator("[data-face]")).to_have_count(min(24, int(off.max())))
    expect(page).to_have_url(re.compile(f"cell={true}-{predicted}"))

    page.locator("[data-face]").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("wrong")).to_be_visible()
    expect(dialog.get_by_alt_text(re.compile("A grey patch|No grey patch"))).to_be_visible()
    expect(
        dialog.get_by_alt_text(re.compile(f"(Evidence|No evidence) for the true class, {true}"))
    ).to_be_visible(timeout=SLOW)
    expect(dialog.get_by_alt_text(re.compile(f"(Evidence|No evidence) for {predicted}"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert "tensorflow" not in server.memory_maps().lower()

    other = page.context.new_page()  # a link that somebody was sent
    visit(other, server, f"{LINK}&cell={true}-{predicted}")
    expect(other.get_by_text(f"True {true}, predicted {predicted}", exact=True)).to_be_visible()
    expect(cell(other, row, column)).to_have_attribute("aria-pressed", "true")


def test_the_matrix_is_used_by_keys_and_told_to_screen_readers(page: Page, server: Server) -> None:
    use_source(page, server)
    counts = confusion(answers().true, answers().predicted, 7)
    table = page.get_by_role("table", name=re.compile("Confusion matrix"))
    expect(
        table.get_by_role("button", name=re.compile(f"^true angry, predicted angry: {counts[0, 0]:,} face"))
    ).to_be_visible()
    cell(page, 0, 0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(cell(page, 1, 1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("True disgust, predicted disgust", exact=True)).to_be_visible()
    expect(cell(page, 1, 1)).to_be_focused()  # the page has run again
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_text("True disgust", exact=True)).to_be_visible()  # the whole row
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # before the page has answered the first one
    expect(page.get_by_text("All faces", exact=True)).to_be_visible()
    expect(page.locator('[data-place][aria-pressed="true"]')).to_have_count(0)


def test_the_answer_to_an_earlier_click_does_not_undo_the_latest(page: Page, server: Server) -> None:
    network = SlowNetwork(page)
    use_source(page, server)
    network.to_browser.hold()
    cell(page, 1, 1).click()
    network.to_browser.wait_for_more(page)  # the app has the click
    network.to_app.hold()
    cell(page, 2, 2).click()
    network.to_browser.release()
    expect(page.get_by_text("True disgust, predicted disgust", exact=True)).to_be_visible()
    expect(page.locator("[data-face]").first).to_be_visible()
    page.wait_for_timeout(500)  # the matrix is drawn again
    expect(cell(page, 2, 2)).to_have_attribute("aria-pressed", "true")
    expect(cell(page, 1, 1)).to_have_attribute("aria-pressed", "false")
    cell(page, 2, 2).click()  # once more: no cell is chosen
    network.to_app.release()
    expect(page.get_by_text("All faces", exact=True)).to_be_visible()
    expect(page.locator("td [aria-pressed=true]")).to_have_count(0)


def test_the_matrix_leaves_the_focus_where_it_is(page: Page, server: Server) -> None:
    use_source(page, server)
    cell(page, 0, -1).click()
    expect(page.get_by_text("True angry", exact=True)).to_be_visible()
    page.get_by_role("radio", name="By row").click()
    expect(cell(page, 0, 0)).to_contain_text("%")  # the matrix is drawn again
    expect(page.locator("[data-place]:focus")).to_have_count(0)


def test_the_threshold_says_what_it_brings_and_goes_to_predict(page: Page, server: Server) -> None:
    use_source(page, server)
    page.get_by_role("radio", name="Trust").click()
    record = answers()
    expect(
        page.get_by_text(selective_accuracy(record.probabilities, record.true, 0.0).sentence())
    ).to_be_visible()
    slider = page.get_by_role("slider", name="Unsure below")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(
        page.get_by_text(selective_accuracy(record.probabilities, record.true, 0.05).sentence())
    ).to_be_visible()
    expect(page).to_have_url(re.compile("unsure_below=5"))
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Predict").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Predict")
    expect(page.get_by_role("slider", name="Unsure below")).to_have_value("5")


def click_point(page: Page, chart: str, number: int) -> None:
    """Click a point of a figure; Plotly takes the click at its place."""
    point = page.locator(f".st-key-{chart} .points path").nth(number)
    point.scroll_into_view_if_needed()
    drawn(page)
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_points_of_figures_lead_to_their_faces(page: Page, server: Server) -> None:
    record = answers()
    use_source(page, server)
    page.get_by_test_id("stButtonGroup").get_by_text("Trust", exact=True).click()
    expect(page.get_by_text("Is the confidence calibrated?")).to_be_visible()
    temperature = float(find_bundle("standard").card["temperature"])
    shown = reliability(record.probabilities, record.true)
    low = shown[-1].low
    number = len(reliability(rescale(record.probabilities, 1 / temperature), record.true)) + len(shown) - 1
    click_point(page, "evaluate_reliability", number)
    expect(
        page.get_by_text(f"Confidence from {low:.0%} to 100%, with temperature {temperature:.2f}")
    ).to_be_visible()
    count = int((record.confidence >= low).sum())
    expect(page.get_by_text(f"{min(24, count)} of {count} face")).to_be_visible()

    page.get_by_test_id("stButtonGroup").get_by_text("Classes", exact=True).click()
    expect(page.get_by_text("Click a curve to see the faces")).to_be_visible()
    first = curves(record.probabilities, record.true, record.labels).roc[0]
    click_point(page, "evaluate_roc", len(first.to_draw()) // 2)
    heading = page.get_by_role("heading", name="from a probability of")
    expect(heading).to_be_visible()
    # Points of several classes may lie at the same place.
    name, percent = re.findall(r"(\w+) from a probability of (\d+)%", heading.inner_text())[0]
    position = record.labels.index(name.lower())
    scores, of_class = record.probabilities[:, position], record.true == position
    expected = {
        (int(((scores >= t) & ~of_class).sum()), int(((scores < t) & of_class).sum()))
        for t in scores
        if f"{t:.0%}" == f"{percent}%"
    }
    groups = page.get_by_text(re.compile(r"^(False positives|Missed) \("))
    assert tuple(int(text.split("(")[1][:-1]) for text in groups.all_inner_texts()) in expected


def test_a_quiz_ends_with_three_matrices_side_by_side(page: Page, server: Server) -> None:
    use_source(page, server)
    page.get_by_role("radio", name="People").click()
    page.get_by_role("button", name="Start the quiz").click()
    for turn in range(1, 31):
        expect(page.get_by_text(f"Face {turn} of 30")).to_be_visible()
        if turn == 4:
            page.keyboard.press("u")
            expect(page.get_by_text("Face 3 of 30")).to_be_visible()
            page.keyboard.press("5")
            expect(page.get_by_text("Face 4 of 30")).to_be_visible()
        page.keyboard.press(str(turn % 7 + 1))
    expect(page.get_by_test_id("stMetric").filter(has_text="You")).to_contain_text(" of 30")
    expect(page.get_by_test_id("stMetric").filter(has_text="standard")).to_contain_text(" of 30")
    expect(page.locator(".js-plotly-plot")).to_have_count(2)  # no votes on drawn faces
    page.get_by_role("button", name="Another quiz").click()
    expect(page.get_by_text("Face 1 of 30")).to_be_visible()


@pytest.mark.timeout(400)
def test_two_models_are_compared_on_the_same_faces(page: Page, server: Server) -> None:
    use_source(page, server)
    page.get_by_role("radio", name="Compare").click()
    found = compare_records(answers(), answers("best"))
    expect(page.get_by_text(found.sentence("standard", "best"))).to_be_visible()
    page.get_by_text(re.compile(r"^Only standard right \(")).click()
    expect(page.get_by_text(f"of {len(found.only_a)} faces")).to_be_visible()
    first = page.locator("[data-face]").first
    expect(first).to_contain_text("standard →")
    expect(first).to_contain_text("best →")


def test_a_report_is_one_file_with_the_same_figures(page: Page, server: Server) -> None:
    use_source(page, server)
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    text = Path(download.value.path()).read_text()
    result = score(find_bundle("standard"), open_dataset(SOURCE), "validation", save=False).evaluation
    assert f"{result.accuracy:.1%}" in text and "data:image/png;base64," in text
    assert not re.search(r'(src|href)="https?://[^"]+\.(js|css|png)', text) and "<script" not in text
