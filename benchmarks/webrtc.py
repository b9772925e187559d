"""The live webcam as visitors have it, through WebRTC and Chromium: frames a second, delay, what was dropped,
and the app's memory.

    python benchmarks/webrtc.py [--people N] [--minutes M]

Chromium's camera shows a film of 640x480 at 30 frames a second in which a portrait sways. Each of N people
opens the view in a browser profile of their own and presses Start; the figures are those of the page, read
every second after the first ten. Chromium and the app share the machine, so each person costs it a browser
that codes and decodes video, too. The delay is from capture, as the stream tells, to the answer; what the
browser and the network need is not in it.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.pages.camera import camera_arguments, start, write_camera
from tests.pages.conftest import Server


def metric(page: Page, name: str) -> float | None:
    box = page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")
    found = re.search(r"[0-9]+", box.inner_text()) if box.count() else None
    return float(found.group()) if found else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    os.environ["FER_EXPLORER_HOME"] = os.environ["FER_EXPLORER_CACHE"] = str(folder)
    film = write_camera(
        folder / "camera.y4m",
        Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").resize((360, 360)),
        height=480,
        rate=30,
    )
    server = Server(folder, script="tests/pages/live/live_view.py")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=camera_arguments(film))
        pages = []
        for _ in range(options.people):
            context = browser.new_context(viewport={"width": 1280, "height": 1000})
            context.grant_permissions(["camera"], origin=server.url)
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(server.url)
            start(page)
            pages.append(page)
        time.sleep(10)
        process, begun = psutil.Process(server.process.pid), time.monotonic()
        seen: list[list[tuple[float, float, float]]] = [[] for _ in pages]
        minutes = -1
        while (passed := time.monotonic() - begun) < 60 * options.minutes:
            for page, rows in zip(pages, seen, strict=True):
                row = [metric(page, name) for name in ("Frames per second", "Delay", "Dropped")]
                if None not in row:
                    rows.append(tuple(row))  # type: ignore[arg-type]
            if int(passed // 60) > minutes:
                minutes = int(passed // 60)
                print(
                    f"after {minutes:3} min: {process.memory_info().rss / 2**20:6.1f} MB, "
                    f"{process.num_threads()} threads",
                    flush=True,
                )
            time.sleep(1)
        print(
            f"{'person':8}{'frames a second':>18}{'delay, ms (95th percentile of readings)':>42}"
            f"{'dropped, %':>12}"
        )
        for number, rows in enumerate(seen, 1):
            if not rows:
                print(f"{number:<8}{'no figures: the machine is too busy':>40}")
                continue
            rates, delays, dropped = np.array(rows).T
            late = f"{np.median(delays):.0f} ({np.percentile(delays, 95):.0f})"
            print(f"{number:<8}{np.median(rates):18.0f}{late:>42}{dropped[-1]:12.0f}")
        print(f"app at the end: {process.memory_info().rss / 2**20:.1f} MB")
        browser.close()
    server.stop()


if __name__ == "__main__":
    main()
