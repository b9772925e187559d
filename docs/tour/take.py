"""Takes the pictures of docs/tour/tour.md again: `python docs/tour/take.py`. It needs Chromium (apt-get
install chromium).

A server of its own, with empty folders as on a fresh machine, is walked through as the tour tells. The only
pictures that it is shown are drawn faces and the public-domain portrait in pages/assets, so nothing else can
stand in the results. It really trains, so it takes minutes.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageEnhance, ImageOps
from scipy.spatial import cKDTree

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright  # noqa: E402

from fer_core.emotions import COLOURS  # noqa: E402
from tests.pages.camera import write_camera  # noqa: E402
from tests.pages.conftest import Server  # noqa: E402

PORTRAIT = ROOT / "pages" / "assets" / "portrait.jpg"
SIZE = {"width": 1280, "height": 800}
SLOW = 600_000  # milliseconds: it trains beside whatever else the machine does
LARGEST = 120_000  # bytes of one picture
_PAGE_COLOURS = 24
_EMOJI_GREENS = ("#AACE5B", "#DFD93F")  # the only green thing in most pictures
EPOCHS = 4  # that are waited for before the run is stopped

expect.set_options(timeout=SLOW)


class Walk:
    """The tour: a server, a visitor's browser, and where the pictures go."""

    def __init__(self, server: Server, browser: Browser, out: Path) -> None:
        self.server, self.browser, self.out = server, browser, out
        self.page = self.visitor()

    def visitor(self, theme: str = "light") -> Page:
        context = self.browser.new_context(viewport=SIZE, color_scheme=theme)
        context.set_default_timeout(SLOW)
        context.grant_permissions(["camera"], origin=self.server.url)
        return context.new_page()

    def visit(self, address: str, page: Page | None = None) -> Page:
        page = page or self.page
        page.goto(f"{self.server.url}/{address}")
        ready(page)
        return page

    def take(self, name: str, page: Page | None = None, top: Locator | None = None, above: int = 16) -> None:
        """Write what stands in the window to NAME.png, with `top` scrolled to `above` pixels below its upper
        edge."""
        page = page or self.page
        ready(page)
        if top is None:
            page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 34)")
        else:
            top.evaluate("element => element.scrollIntoView({block: 'start'})")
            page.get_by_test_id("stMain").evaluate("(main, above) => main.scrollBy(0, -above)", above)
        page.mouse.move(1275, 795)  # nothing is hovered over
        page.wait_for_timeout(1500)  # charts grow into their places
        content = small(page.screenshot())
        (self.out / f"{name}.png").write_bytes(content)
        print(f"{name}.png: {len(content):,} bytes", flush=True)


def ready(page: Page) -> None:
    """Wait until the script has run and nothing is still being made."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def small(png: bytes) -> bytes:
    """The picture with a palette, of as many colours as leave it below LARGEST bytes.

    The colours of the classes are always in it: in a narrow bar they are few pixels, and would become another
    class's. So are the most frequent ones, which are those of the page.
    """
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    shades, which, counts = np.unique(
        np.asarray(picture).reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    fixed = np.array(
        [ImageColor.getrgb(name) for name in (*COLOURS.values(), *_EMOJI_GREENS)]
        + shades[np.argsort(-counts)[:_PAGE_COLOURS]].tolist()
    )
    content = png
    for colours in (256, 160, 96, 64):
        rest = np.reshape(
            picture.quantize(colours - len(fixed), Image.Quantize.MEDIANCUT).getpalette() or [], (-1, 3)
        )
        palette = np.concatenate([fixed, rest])[:colours]
        nearest = cKDTree(palette).query(shades)[1][which]  # Pillow's own match is not exact
        indexed = Image.fromarray(nearest.reshape(picture.height, picture.width).astype(np.uint8), "P")
        indexed.putpalette(palette.astype(np.uint8).tobytes())
        out = io.BytesIO()
        indexed.save(out, "PNG", optimize=True)
        content = out.getvalue()
        if len(content) < LARGEST:
            break
    return content


def first_steps(walk: Walk) -> None:
    """The start page, with what it says of the portrait."""
    walk.visit("")
    expect(walk.page.locator(".fer-bars").first).to_be_visible()
    walk.take("start")


def dataset(walk: Walk) -> None:
    """The gallery with a filter, and a face of it."""
    page = walk.visit("dataset?dataset_view=Gallery&dataset_split=validation")
    page.get_by_test_id("stButtonGroup").get_by_role("button", name="surprise", exact=True).click()
    expect(page.get_by_text(re.compile("faces: validation, surprise"))).to_be_visible()
    walk.take("gallery")
    page.locator("[data-face]").nth(2).click()
    expect(page.get_by_role("dialog").get_by_text("standard predicts")).to_be_visible()
    walk.take("face")
    page.keyboard.press("Escape")


def train(walk: Walk) -> None:
    """The quick preset on the drawn faces: set up, watched, stopped."""
    page = walk.visit("train?train_view=Set%20up")
    expect(page.get_by_text(re.compile(r"^About .* per epoch"))).to_be_visible()
    expect(page.get_by_text("Measuring ...")).to_have_count(0)
    walk.take("setup")
    page.get_by_role("button", name="Start training", exact=True).click()
    expect(page.locator(".stMarkdownBadge").filter(has_text="running")).to_be_visible()
    expect(page.get_by_text(re.compile(rf"^Epoch ([{EPOCHS + 1}-9]|10) of 10"))).to_be_visible()
    walk.take("watch", top=page.get_by_test_id("stSelectbox").first, above=70)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".stMarkdownBadge").filter(has_text=re.compile("stopped|finished"))).to_be_visible()
    walk.take("stopped", top=page.get_by_test_id("stSelectbox").first, above=70)


def evaluate(walk: Walk) -> None:
    """From a cell of the confusion matrix to its faces, to why; and another model on the same faces."""
    run = sorted(
        path.name
        for path in (walk.server.folder / "runs").iterdir()
        if (path / "bundle" / "card.json").is_file()
    )[-1]
    page = walk.visit(f"evaluate?model={run}")
    expect(page.locator('[data-place="0,0"]')).to_be_visible()
    wrong = [
        (int(page.locator(f'[data-place="{r},{c}"]').inner_text() or 0), r, c)
        for r in range(7)
        for c in range(7)
        if r != c
    ]
    _, row, column = max(wrong)
    page.locator(f'[data-place="{row},{column}"]').click()
    expect(page.get_by_text(re.compile(r"^True \w+, predicted \w+$"))).to_be_visible()
    walk.take("matrix", top=page.get_by_test_id("stButtonGroup").filter(has_text="Robustness"))
    page.locator("[data-face]").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_alt_text(re.compile("A grey patch|No grey patch"))).to_be_visible()
    expect(dialog.get_by_alt_text(re.compile("(Evidence|No evidence) for the true class"))).to_be_visible()
    walk.take("why", top=dialog.get_by_test_id("stHorizontalBlock").filter(has_text="predicts").first)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("radio", name="Compare").click()
    expect(page.get_by_text(re.compile("^Where .* differ$"))).to_be_visible()
    expect(page.locator("[data-face]").first).to_be_visible()
    walk.take("compare", top=page.get_by_test_id("stButtonGroup").filter(has_text="Robustness"))


def predict(walk: Walk) -> None:
    """The portrait, in the dark theme; an album; the webcam."""
    page = walk.visit("predict", walk.visitor("dark"))
    page.locator("input[type=file]").set_input_files(PORTRAIT)
    expect(page.locator(".fer-bars").first).to_be_visible()
    walk.take(
        "predict", page, top=page.get_by_test_id("stRadioGroup").or_(page.get_by_role("radiogroup")).first
    )
    page.context.close()

    page = walk.visit("predict")
    choose(page, "Album")
    expect(page.get_by_text("Drop hundreds of photos")).to_be_visible()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "album.zip", "mimeType": "application/zip", "buffer": album()}
    )
    page.get_by_role("button", name=re.compile(r"Classify \d+ photos")).click()
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
    walk.take("album", top=page.get_by_role("radiogroup").first)

    page = walk.visit("predict")
    choose(page, "Live")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="happy")).to_be_visible()
    page.wait_for_timeout(15_000)  # the chart over time gets a line, the video its colours
    walk.take("live", top=page.get_by_role("radiogroup").first)


def choose(page: Page, way: str) -> None:
    page.get_by_role("radiogroup").get_by_text(way, exact=True).click()


def album() -> bytes:
    """A zip with the portrait as it is, mirrored, dark, small, turned, twice in one picture, and a file that
    is no picture."""
    portrait = Image.open(PORTRAIT).convert("RGB")
    two = Image.new("RGB", (2 * portrait.width, portrait.height))
    two.paste(portrait, (0, 0))
    two.paste(ImageOps.mirror(portrait), (portrait.width, 0))
    pictures = {
        "holiday/portrait.jpg": portrait,
        "holiday/mirrored.jpg": ImageOps.mirror(portrait),
        "holiday/both.jpg": two,
        "evening/dark.jpg": ImageEnhance.Brightness(portrait).enhance(0.3),
        "evening/small.jpg": portrait.resize((portrait.width // 6, portrait.height // 6)),
        "evening/tilted.jpg": portrait.rotate(20, fillcolor=(90, 95, 105)),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, picture in pictures.items():
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=90)
            archive.writestr(name, out.getvalue())
        archive.writestr("evening/broken.jpg", b"no picture")
    return packed.getvalue()


CHAPTERS: dict[str, Callable[[Walk], None]] = {
    "start": first_steps,
    "dataset": dataset,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the pictures of the tour again.")
    parser.add_argument(
        "chapters", nargs="*", help=f"only these, of {', '.join(CHAPTERS)} (evaluate needs train before it)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).resolve().parent, help="where the pictures go"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep runs and caches here, so that evaluate can be taken again without train",
    )
    options = parser.parse_args()
    if unknown := set(options.chapters) - set(CHAPTERS):
        parser.error(f"unknown: {', '.join(unknown)}; expected some of {', '.join(CHAPTERS)}")
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "FER_EXPLORER_HOME": str(folder / "home"),
        "FER_EXPLORER_CACHE": str(folder / "cache"),
        "STREAMLIT_CLIENT_TOOLBAR_MODE": "minimal",
    }
    os.environ.pop("FER_MODELS_DIR", None)
    begun = time.monotonic()
    server = Server(folder)
    try:
        with sync_playwright() as playwright:
            portrait = Image.open(PORTRAIT).convert("RGB").resize((360, 360))
            film = write_camera(folder / "camera.y4m", portrait, height=480, rate=30)
            arguments = [
                "--no-sandbox",
                "--disable-gpu",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ]
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=arguments
            )
            walk = Walk(server, browser, options.out)
            for name in options.chapters or CHAPTERS:
                CHAPTERS[name](walk)
            browser.close()
    finally:
        server.stop()
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
