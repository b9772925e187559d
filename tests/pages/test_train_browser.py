"""Training in a browser: several browsers, a reload, a restart of the app, a killed training process."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fer_core.config import RunConfig
from fer_core.presets import PRESETS
from fer_core.runs import processes
from fer_core.runs.run_folder import RunFolder, list_runs
from fer_core.runs.steering import steering_log
from tests.pages.conftest import Server, new_visitor
from tests.pages.test_browser import PATIENCE, PORTRAIT, visit
from tests.until import until

pytestmark = pytest.mark.long

EPOCHS = 900  # more than it gets to: an epoch of 70 images takes a fraction of a second


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the app keeps everything. No training outlives the test."""
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    yield tmp_path
    for run in list_runs(tmp_path / "runs"):
        for process in trainers(run):
            process.kill()
            process.wait(timeout=20)


def trainers(run: RunFolder) -> list[psutil.Process]:
    """The processes that train in this folder."""
    command = ["train", "--resume", str(run.path.resolve())]
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if (process.info["cmdline"] or [])[-3:] == command
    ]


def step_back(run: RunFolder) -> None:
    """Let the training wait for the app and the browsers where the machine has no core for all."""
    for trainer in trainers(run):
        trainer.nice(10)


def state(page: Page, name: str) -> None:
    expect(page.locator(".stMarkdownBadge").filter(has_text=name)).to_be_visible(timeout=PATIENCE)


def finished(page: Page, epochs: int) -> None:
    """The page says so. It may take its time: the figures are drawn after the state."""
    expect(page.locator(".fer-run b").first).to_have_text(f"{epochs} of {EPOCHS}", timeout=PATIENCE)


def points(page: Page) -> int:
    """Of the validation accuracy, as it is drawn."""
    return page.evaluate(
        """() => { const plot = document.querySelectorAll('.js-plotly-plot')[1];
        const line = plot ? plot.calcdata.find(line => line[0].trace.name === 'validation') : null
        return line ? line.length : 0 }"""
    )


def grows(page: Page) -> None:
    """The curve gets longer while one only looks."""
    before = points(page)
    page.wait_for_function(
        """before => { const plot = document.querySelectorAll('.js-plotly-plot')[1];
        const line = plot ? plot.calcdata.find(line => line[0].trace.name === 'validation') : null
        return line && line.length > before }""",
        arg=max(before, 1),
        timeout=PATIENCE,
    )


def button(page: Page, name: str, in_popover: bool = False) -> None:
    # Streamlit itself shows a "Stop" in the page's header while a script runs for long.
    place = page.get_by_test_id("stPopoverBody" if in_popover else "stMain")
    place.get_by_role("button", name=name, exact=True).click()


@pytest.mark.timeout(600)
def test_a_run_is_watched_by_several_steered_by_one_and_becomes_a_model(
    browser: Browser, context: BrowserContext, folder: Path
) -> None:
    server = Server(folder)
    try:
        page = new_visitor(context, server.url)
        with browser.new_context(viewport={"width": 1280, "height": 1000}) as another:
            another.set_default_timeout(PATIENCE)
            other = another.new_page()
            visit(page, server, "train")
            guess = page.get_by_text(re.compile("^About .+ per epoch, .+ in all"))
            before = guess.inner_text()
            page.get_by_label("Epochs", exact=True).fill(str(EPOCHS))
            page.get_by_label("Epochs", exact=True).press("Enter")
            expect(guess).not_to_have_text(
                before
            )  # it is drawn last; a tab that is drawn again takes no click
            page.get_by_role("tab", name="Data and bundle").click()
            page.get_by_label("Maximum number of images", exact=True).fill("70")
            page.get_by_label("Maximum number of images", exact=True).press("Enter")
            button(page, "Start training")
            state(page, "running")
            grows(page)
            (run,) = list_runs(folder / "runs")
            step_back(run)
            assert run.config().train.epochs == EPOCHS and run.config().data.limit == 70

            page.reload()
            expect(page).to_have_url(re.compile(f"train_run={run.name}"))
            state(page, "running")
            grows(page)

            visit(other, server, "train")  # another visitor, who was sent no link
            state(other, "running")
            tab = page.context.new_page()
            visit(tab, server, f"train?train_view=Watch&train_run={run.name}")
            state(tab, "running")
            button(other, "Pause")
            for looking in (page, other, tab):
                state(looking, "paused")
                expect(looking.get_by_role("button", name="Resume", exact=True)).to_be_visible()
            tab.close()

            stood = len(run.history())
            button(page, "One epoch")
            until(lambda: len(run.history()) == stood + 1 and run.status()["state"] == "paused")
            expect(other.get_by_text(re.compile(f"^Paused after epoch {stood + 1}"))).to_be_visible()
            state(other, "paused")

            button(other, "Learning rate")
            box = other.get_by_test_id("stPopoverBody").get_by_label("From now on")
            box.fill("0.0005")
            box.press("Enter")
            button(other, "Set it", in_popover=True)
            other.keyboard.press("Escape")
            button(page, "Resume")
            state(other, "running")
            # The schedule is a cosine: it was set for the epoch under way, and falls with the others.
            expect(page.get_by_text(re.compile(r"Epoch \d+: learning rate 0\.0005"))).to_be_visible()
            (line,) = [line for line in steering_log(run) if line["action"] == "learning rate"]
            assert line["value"] == pytest.approx(0.0005, rel=0.01)
            grows(other)

            button(page, "Stop")
            state(page, "stopped")
            state(other, "stopped")
            button(page, "Promote")
            page.get_by_test_id("stPopoverBody").get_by_label("Name").fill("my-first")
            button(page, "Keep it", in_popover=True)
            expect(page.get_by_text("Kept as my-first")).to_be_visible()
            assert (
                json.loads((folder / "models" / "my-first" / "card.json").read_text())["promoted"] == run.name
            )

            visit(page, server, "predict?model=my-first")
            expect(page.get_by_test_id("stSelectbox").locator("input").first).to_have_value("my-first")
            page.locator("input[type=file]").set_input_files(PORTRAIT)
            expect(page.locator(".fer-bars").first).to_be_visible(timeout=PATIENCE)
        assert "tensorflow" not in server.memory_maps().lower(), "the app itself trained"
    finally:
        server.stop()


@pytest.mark.timeout(600)
def test_a_run_outlives_the_app_and_is_resumed_after_its_process_was_killed(
    context: BrowserContext, folder: Path
) -> None:
    quick = PRESETS["quick"].config
    config: RunConfig = quick.replace("data", limit=70).replace("train", epochs=EPOCHS)
    run = processes.start(config, folder / "runs")
    server = Server(folder)
    try:
        page = new_visitor(context, server.url)
        visit(page, server, "train")
        state(page, "running")
        grows(page)
        step_back(run)
        server.stop()
        before = len(run.history())
        until(lambda: len(run.history()) > before)
        assert run.status()["state"] == "running", "the run ended with the app"
        server = Server(folder, server.port)
        page.reload()
        state(page, "running")
        grows(page)

        (trainer,) = trainers(run)
        os.kill(trainer.pid, 9)
        expect(page.locator(".stMarkdownBadge").filter(has_text="interrupted")).to_be_visible(timeout=15_000)
        stood = len(run.history())
        finished(page, stood)
        button(page, "Resume")
        state(page, "running")
        until(lambda: len(run.history()) > stood)
        grows(page)
        assert [row["epoch"] for row in run.history()] == list(range(1, len(run.history()) + 1))
    finally:
        server.stop()
