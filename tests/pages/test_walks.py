"""Three ways through the app, as a person takes them: learning, curating, and many files at once."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from fer_core.data import open_dataset
from fer_core.runs.run_folder import list_runs
from tests.pages.conftest import Server
from tests.pages.test_browser import PORTRAIT, drawn, visit
from tests.video import made

pytestmark = pytest.mark.long

TRAINED = 240_000  # milliseconds; TensorFlow starts, and a network learns for an epoch


def view(page: Page, title: str) -> None:
    page.get_by_test_id("stButtonGroup").get_by_text(title, exact=True).click()
    drawn(page)


def set_epochs(page: Page, count: int) -> None:
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill(str(count))
    epochs.press("Enter")
    # A click before the app has the number would start a run of all epochs.
    expect(page).to_have_url(re.compile(rf"epochs[^&=]*={count}(&|$)"))
    drawn(page)


def test_learning_from_a_readme(page: Page, server: Server) -> None:
    visit(page, server, "?source=synthetic:700")
    page.get_by_role("link", name=re.compile("Repeat the README")).click()
    expect(page.get_by_role("heading", name="What the README says")).to_be_visible()
    box = page.get_by_test_id("stSelectbox").filter(has_text="Preset")
    box.locator("input").click()
    page.get_by_role("option", name=re.compile(r"\(baseline-weighted-s\)")).click()
    expect(page).to_have_url(re.compile("baseline-weighted-s"))  # the headings of all presets are the same
    expect(page.get_by_role("heading", name="Where a gap comes from")).to_be_visible()
    epochs = page.get_by_label("Epochs", exact=True)
    # As published; the box of the preset before, with 10, stays beside it for a moment.
    expect(epochs.first).to_have_value("30")
    expect(epochs).to_have_count(1)
    drawn(page)
    set_epochs(page, 1)
    page.get_by_role("button", name="Repeat it", exact=True).click()
    link = page.get_by_role("link", name="Click its confusion matrix")
    expect(link).to_be_visible(timeout=TRAINED)
    expect(page.get_by_test_id("stPlotlyChart").get_by_text("your run").first).to_be_visible()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evaluate")
    page.locator('[data-place="3,3"]').click()
    expect(page.get_by_text("True happy, predicted happy", exact=True)).to_be_visible()


def test_curating_and_training_again(page: Page, server: Server) -> None:
    visit(page, server, "dataset?source=synthetic:350:8&dataset_view=Gallery")
    face = int(page.locator("[data-face]").first.get_attribute("data-face") or "")
    page.locator("[data-face]").first.click()
    page.get_by_role("button", name="Not a face").click()
    drawn(page)
    page.get_by_role("button", name="Close").click()
    # A view that is chosen before the app knows would open the face again.
    expect(page).not_to_have_url(re.compile("face="))
    view(page, "Verdicts")
    page.get_by_role("button", name="Make a cleaned variant").click()
    page.get_by_role("link", name=re.compile("Train on this variant")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page.get_by_label("Data", exact=True)).to_have_value("cleaned.recipe.json")
    drawn(page)
    set_epochs(page, 1)
    page.get_by_role("button", name=re.compile("Start training|Put it in the queue")).click()
    badge = page.locator(".stMarkdownBadge").filter(has_text="finished")
    expect(badge.first).to_be_visible(timeout=TRAINED)
    (run,) = (
        run
        for run in list_runs(server.folder / "runs")
        if run.config().data.source.endswith("cleaned.recipe.json")
    )
    learned_from = set(open_dataset("synthetic:350:8").indices("train").tolist()) - {face}
    assert run.status()["train_images"] == len(learned_from) and (run.bundle / "model.tflite").is_file()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Dataset").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dataset")
    view(page, "Verdicts")
    before, after = (
        page.get_by_test_id("stSelectbox").filter(has_text=title) for title in ("Before", "After")
    )
    expect(after.locator("input")).to_have_value(re.compile(r"^\d{8}-"))
    before.locator("input").click()
    page.get_by_role("option", name="standard", exact=True).click()
    expect(page.get_by_text(re.compile(r"accuracy changes from .* \(95% interval"))).to_be_visible()


def test_photos_and_videos_become_one_table(page: Page, server: Server, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(made.video([made.frame((80, 40))] * 10, rate=10))
    visit(page, server, "predict?predict_way=Album")
    page.locator('input[type="file"]').set_input_files([PORTRAIT, tmp_path / "a.mp4", tmp_path / "b.mp4"])
    page.get_by_role("button", name="Classify 1 photo and 2 videos").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download CSV").click()
    table = pd.read_csv(saved.value.path())
    assert table["file"].value_counts().to_dict() == {"portrait.jpg": 1, "a.mp4": 5, "b.mp4": 5}
    assert set(table["label"]) == {"happy"} and table["time"].isna().sum() == 1
