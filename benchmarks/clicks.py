"""Time from a click to the drawn page, over 60 clicks on all pages with all of FER2013.

    python benchmarks/clicks.py --data fer2013.parquet [--votes fer2013new.csv] [--top N]

Starts the app on a copy of the data, opens data and models once, and then clicks through the pages in
Chromium. A click ends with the last change of the page before it has been still for 0.4 s with no script
running. The first page is timed from the start of the server; the browser is open by then. Prints the first
page, the median, the share within 1 s and the slowest clicks. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Locator, Page, sync_playwright

from tests.pages.conftest import Server

PATIENCE = 120_000  # milliseconds
# Streamlit marks the app while a script runs. Elements outside the page's own area do not count, nor does the
# invisible content of a canvas: a table puts its text for screen readers there 0.2 s after it is drawn.
_WATCH = """() => {
  window.changed = performance.now()
  const area = document.querySelector('[data-testid="stApp"]')
  new MutationObserver((records) => {
    const outside = (node) => node.closest?.('[data-testid="stStatusWidget"], canvas')
    if (records.some((record) => !outside(record.target))) window.changed = performance.now()
  }).observe(area, { subtree: true, childList: true, attributes: true, characterData: true })
}"""
_SETTLED = """async () => {
  const app = () => document.querySelector('[data-testid="stApp"]').getAttribute("data-test-script-state")
  const wait = (ms) => new Promise((done) => setTimeout(done, ms))
  while (app() !== "notRunning" || performance.now() - window.changed < 400) await wait(20)
  return window.changed
}"""


class Visitor:
    """A browser at the app, and the seconds of its clicks."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.seconds: dict[str, float] = {}
        self.counted = False

    def open(self, path: str) -> None:
        """Open a page by its address; not counted."""
        self.page.goto(f"{self.url}/{path}")
        self.page.get_by_role("heading", level=1).wait_for()
        self.page.evaluate(_WATCH)
        self.page.evaluate(_SETTLED)

    def click(self, name: str, target: Locator, action: Callable[[Locator], object] | None = None) -> None:
        """Click, and keep the seconds until the page is drawn."""
        target = target.first
        target.scroll_into_view_if_needed()
        self.page.evaluate(_SETTLED)
        begun = self.page.evaluate("performance.now()")
        (action or (lambda locator: locator.click()))(target)
        self.page.wait_for_timeout(60)  # the script begins
        seconds = max(0.0, (self.page.evaluate(_SETTLED) - begun) / 1000)
        if self.counted:
            self.seconds[name if name not in self.seconds else f"{name} ({len(self.seconds)})"] = seconds

    def menu(self, title: str) -> None:
        self.click(f"menu: {title}", self.page.get_by_test_id("stSidebarNavLink").filter(has_text=title))

    def option(self, page: str, *titles: str) -> None:
        """Click options of segmented controls and pills by their titles."""
        for title in titles:
            buttons = self.page.get_by_test_id("stButtonGroup").get_by_role("radio", name=title, exact=True)
            other = self.page.get_by_test_id("stButtonGroup").get_by_role("button", name=title, exact=True)
            self.click(f"{page}: {title}", buttons.or_(other))

    def tab(self, page: str, *titles: str) -> None:
        for title in titles:
            self.click(f"{page}: tab {title}", self.page.get_by_role("tab", name=title, exact=True))

    def choose(self, page: str, label: str, option: str) -> None:
        """Choose an option of a select box; opening the list is not counted."""
        box = self.page.get_by_test_id("stSelectbox").filter(has_text=label).first
        box.locator("input").click()
        choice = self.page.get_by_role("option").filter(has_text=option)
        self.click(f"{page}: {label} {option}", choice)


def walk(visitor: Visitor) -> None:
    """Click through all pages."""
    page = visitor.page
    visitor.menu("Dataset")
    visitor.option("Dataset", "Gallery")
    visitor.option("Gallery", "happy", "test", "validation")
    visitor.click("Gallery: next page", page.get_by_role("button", name="Next page"))
    visitor.click("Gallery: a face", page.locator("[data-face]"))
    visitor.click("Face: close", page.get_by_role("button", name="Close"))
    visitor.option("Dataset", "Copies", "Label issues", "Votes", "Verdicts", "Map", "Overview")
    visitor.menu("Evaluate")
    for row, column in ((3, 6), (0, 4), (2, 5)):
        visitor.click(f"Matrix: cell {row},{column}", page.locator(f'[data-place="{row},{column}"]'))
    visitor.option("Matrix", "By row", "Counts")
    visitor.click("Matrix: a face", page.locator("[data-face]"))
    visitor.click("Face: close", page.get_by_role("button", name="Close"))
    views = ("Classes", "Trust", "Compare", "People", "Slices", "What if", "Robustness", "Matrix")
    visitor.option("Evaluate", *views)
    visitor.option("Evaluate", "test", "validation")
    visitor.choose("Evaluate", "Model", "tiny")
    visitor.choose("Evaluate", "Model", "standard")
    visitor.menu("Train")
    visitor.option("Train", "Watch", "Runs", "Sweeps", "Your faces", "Repeat the README", "Set up")
    visitor.choose("Train", "Preset", "(tiny)")
    visitor.choose("Train", "Preset", "(baseline-deep)")
    visitor.tab("Train", "Network", "Augmentation", "Targets and weights", "Data and bundle", "Training")
    visitor.menu("Models")
    visitor.option("Models", *(title for title in titles_of_views(page) if title != "All models"))
    visitor.menu("Predict")
    visitor.option("Predict", "Album", "Video", "Camera", "Sample", "Upload")
    visitor.menu("Start")
    visitor.menu("Diagnostics")


def titles_of_views(page: Page) -> list[str]:
    """Return the titles of the views of a page."""
    return page.get_by_test_id("stButtonGroup").first.get_by_role("radio").all_inner_texts()


def measured(page: Page, url: str, source: str) -> Iterator[tuple[str, float]]:
    visitor = Visitor(page, url)
    visitor.open(f"dataset?source={source}")
    walk(visitor)  # opens data and models
    visitor.counted = True
    walk(visitor)
    yield from visitor.seconds.items()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="FER2013")
    parser.add_argument("--votes", type=Path, help="FER+ votes of its images")
    parser.add_argument(
        "--top", type=int, default=15, metavar="N", help="slowest clicks to print (default: 15)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        for path in filter(None, (options.data, options.votes)):
            shutil.copy(path, folder / "data")
        os.environ["FER_EXPLORER_HOME"] = str(folder / "home")
        for package in ("fer_core", "pages"):  # an installed app has its bytecode
            compileall.compile_dir(ROOT / package, quiet=1)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(PATIENCE)
            begun = time.monotonic()
            server = Server(folder)
            try:
                page.goto(server.url)
                page.get_by_role("heading", level=1).wait_for()
                titled = time.monotonic() - begun
                page.get_by_test_id("stImage").get_by_role("img").first.wait_for()
                print(
                    f"first page of a fresh server after {titled:.1f} s, its portrait after "
                    f"{time.monotonic() - begun:.1f} s; both with the start of the server"
                )
                clicks = dict(measured(page, server.url, options.data.name))
            finally:
                server.stop()
    seconds = list(clicks.values())
    within = sum(value <= 1 for value in seconds)
    print(f"{len(seconds)} clicks: median {statistics.median(seconds):.2f} s, {within} within 1 s")
    for label, value in sorted(clicks.items(), key=lambda item: -item[1])[: options.top]:
        print(f"{value:6.2f} s  {label}")


if __name__ == "__main__":
    main()
