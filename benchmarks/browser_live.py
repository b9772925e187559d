"""Live video in the visitor's browser: frames a second by model, and detection against Python's on one core.

    python benchmarks/browser_live.py [MODEL ...]

Chromium's camera shows a film of 640x480 at 30 frames a second in which a portrait sways; figures are those
of the page after ten seconds. Chromium decodes the film and draws without a GPU, on the cores that the
networks need, too. Detection is the search of one such frame, the median of 50, in turns with Python's.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from fer_core.browser.yunet import yunet_plan
from fer_core.inference import Predictor
from fer_core.inference.yunet import yunet_weights
from fer_core.live import session
from pages.widgets.in_browser import joined
from tests.pages.camera import camera_arguments, write_camera
from tests.pages.conftest import Server

_LOAD = """async ([script, plan, pixels]) => {
  const code = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })))
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  const detector = new code.Detector(new code.Engine(), code.readPlan(bytes(plan)))
  const frame = { data: bytes(pixels), width: 640, height: 480 }
  globalThis.search = () => {
    const began = performance.now()
    detector.detect(frame)
    return performance.now() - began
  }
}"""


def speed(browser: Browser, server: Server, model: str) -> str:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.grant_permissions(["camera"], origin=server.url)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{server.url}?way=browser&model={model}")
    page.get_by_role("button", name="Start").click()
    began = time.monotonic()
    page.locator(".answer", has_text="Face 1").wait_for()
    first = time.monotonic() - began
    time.sleep(10)
    figures = page.locator(".figures").inner_text()
    context.close()
    return f"{model:12} {figures}, first answer after {first:.1f} s"


def detection(page: Page, frame: Image.Image) -> tuple[float, float]:
    """Return the milliseconds of a search in the browser and in Python."""
    weights = yunet_weights()
    assert weights is not None
    pixels = np.asarray(frame)
    rgba = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    script = joined("kernels", "network", "pixels", "detector") + "\nexport { Engine, Detector, readPlan }\n"
    texts = [base64.b64encode(content).decode() for content in (yunet_plan(weights), rgba.tobytes())]
    page.evaluate(_LOAD, [script, *texts])
    cv2.setNumThreads(1)
    detector = Predictor("tiny").detector
    ours, pythons = [], []
    for _ in range(60):
        ours.append(page.evaluate("search()"))
        began = time.perf_counter()
        small = cv2.resize(pixels, (session._SEARCH_SIDE, session._SEARCH_SIDE * 3 // 4))
        detector.detect(small, one_look=True)
        pythons.append(1000 * (time.perf_counter() - began))
    return float(np.median(ours[10:])), float(np.median(pythons[10:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", default=["photo-tiny", "tiny", "ferplus", "photo"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    os.environ["FER_EXPLORER_HOME"] = os.environ["FER_EXPLORER_CACHE"] = str(folder)
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB").resize((360, 360))
    film = write_camera(folder / "camera.y4m", portrait, height=480, rate=30)
    frame = Image.new("RGB", (640, 480), (95, 105, 115))
    frame.paste(portrait, (140, 60))
    server = Server(folder, script="tests/pages/live/live_view.py")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=camera_arguments(film)
            )
            print(browser.browser_type.name, re.split(r"[ /]", browser.version)[-1])
            for model in options.models:
                print(speed(browser, server, model), flush=True)
            ours, pythons = detection(browser.new_page(), frame)
            print(f"detection: {ours:.1f} ms, Python {pythons:.1f} ms, {ours / pythons:.2f} times as long")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
