"""Make the moving picture and the three stills of the README from a real session: `python docs/tour/film.py`.

As take.py, it starts a server of its own with empty folders and shows it only drawn faces and the
public-domain portrait. It needs Chromium (apt-get install chromium) and trains the quick network, which takes
a minute.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import time
from pathlib import Path

from PIL import Image
from take import ROOT, Server, Walk, expect, ready, small, sync_playwright

PICTURES = ROOT / "docs" / "pictures"
SCALE = (960, 600)
LONG, SHORT = 2600, 350  # milliseconds that a frame is shown
LARGEST = 3_000_000  # bytes of the moving picture


class Film:
    """The frames of a session with their durations."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.frames: list[tuple[Image.Image, int]] = []

    def shot(self, milliseconds: int, still: str | None = None, scroll: int = 0) -> None:
        """Add the window, `scroll` pixels down, as a frame; also write it to the PNG `still`."""
        self.walk.page.get_by_test_id("stMain").evaluate("(main, top) => main.scrollTo(0, top)", scroll)
        content = self.walk.page.screenshot()
        if still:
            (PICTURES / f"{still}.png").write_bytes(small(content))
        picture = Image.open(io.BytesIO(content)).convert("RGB").resize(SCALE, Image.Resampling.LANCZOS)
        self.frames.append((picture, milliseconds))

    def save(self, path: Path) -> None:
        """Write an animated WebP that repeats."""
        pictures, durations = zip(*self.frames, strict=True)
        for quality in (80, 65, 50):
            out = io.BytesIO()
            pictures[0].save(
                out,
                "WEBP",
                save_all=True,
                append_images=pictures[1:],
                duration=list(durations),
                loop=0,
                quality=quality,
                method=6,
            )
            if len(out.getvalue()) < LARGEST:
                break
        path.write_bytes(out.getvalue())
        print(f"{path.name}: {len(self.frames)} frames, {len(out.getvalue()):,} bytes")


def record(film: Film) -> None:
    """Walk from a photo to a trained network and the faces that it gets wrong."""
    walk, page = film.walk, film.walk.page
    walk.visit("")
    expect(page.locator(".fer-bars").first).to_be_visible()
    page.wait_for_timeout(1000)
    film.shot(LONG)
    walk.visit("dataset?dataset_view=Gallery&dataset_split=validation")
    expect(page.locator("[data-face]").first).to_be_visible()
    page.wait_for_timeout(1000)
    film.shot(LONG, "dataset", scroll=150)
    walk.visit("train?train_view=Set%20up")
    page.get_by_role("button", name="Start training", exact=True).click()
    badge = page.locator(".stMarkdownBadge")
    expect(badge.filter(has_text="running")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Epoch ([2-9]|10) of 10"))).to_be_visible()
    while not badge.filter(has_text="finished").count():
        film.shot(SHORT, scroll=250)
        page.wait_for_timeout(2500)
    ready(page)
    page.wait_for_timeout(1500)
    film.shot(LONG, "train", scroll=250)
    (run,) = [path.name for path in (walk.server.folder / "runs").iterdir() if (path / "bundle").is_dir()]
    walk.visit(f"evaluate?model={run}")
    expect(page.locator('[data-place="0,0"]')).to_be_visible()
    page.wait_for_timeout(1000)
    film.shot(LONG, scroll=420)
    places = [(row, column) for row in range(7) for column in range(7) if row != column]
    count = {
        place: int(page.locator(f'[data-place="{place[0]},{place[1]}"]').inner_text() or 0)
        for place in places
    }
    row, column = max(count, key=lambda place: count[place])
    page.locator(f'[data-place="{row},{column}"]').click()
    expect(page.get_by_text(re.compile(r"^True \w+, predicted \w+$"))).to_be_visible()
    ready(page)
    page.wait_for_timeout(1000)
    film.shot(LONG, "evaluate", scroll=420)
    page.locator("[data-face]").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_alt_text(re.compile("(Evidence|No evidence) for the true class"))).to_be_visible()
    page.wait_for_timeout(1000)
    film.shot(2 * LONG)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {f"FER_EXPLORER_{part}": str(folder / part.lower()) for part in ("CACHE", "HOME")}
        os.environ["STREAMLIT_CLIENT_TOOLBAR_MODE"] = "minimal"
        os.environ.pop("FER_MODELS_DIR", None)
        server = Server(folder)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox"]
                )
                film = Film(Walk(server, browser, folder))
                begun = time.monotonic()
                record(film)
                film.save(PICTURES / "session.webp")
                print(f"in {time.monotonic() - begun:.0f} s")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
