"""The browser's networks answer as Python's: run in Chromium and Firefox on the same images and frames."""

from __future__ import annotations

import base64
import http.server
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from fer_core.browser.litert import litert_plan
from fer_core.browser.yunet import yunet_plan
from fer_core.bundles.bundle import Bundle, find_bundle, shipped
from fer_core.bundles.graph import predict, shipped_graph
from fer_core.bundles.litert import export_litert
from fer_core.data import open_dataset
from fer_core.emotions import NAMES
from fer_core.errors import ModelError
from fer_core.inference import Classifier, Predictor
from fer_core.inference.yunet import yunet_weights
from fer_core.live import session
from fer_core.zoo import families
from pages.widgets.in_browser import LIVE, STILLS, WORKER, joined
from tests.bundles.conftest import network, uneven
from tests.chromium import executable

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parent.parent.parent

_SCRIPT = (
    joined("kernels", "network", "pixels", "detector")
    + """
export { Engine, Network, readPlan, Detector, crop }
"""
)
_LOAD = """async (script) => {
  globalThis.code = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })))
  globalThis.bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
}"""
_RUN = """([plan, images, shape]) => {
  const { Engine, Network, readPlan } = code
  const read = readPlan(bytes(plan))
  const network = new Network(new Engine(), read, shape)
  const all = new Float32Array(bytes(images).buffer)
  const size = shape.reduce((a, b) => a * b)
  return Array.from({ length: all.length / size }, (_, i) => {
    network.floats(read.input).set(all.subarray(i * size, (i + 1) * size))
    network.run()
    return Array.from(network.floats(read.output))
  })
}"""
_FIND = """([plan, pixels, width, height]) => {
  const { Engine, Detector, readPlan, crop } = code
  globalThis.finder ??= new Detector(new Engine(), readPlan(bytes(plan)))
  const frame = { data: bytes(pixels), width, height }
  return finder.detect(frame).map((face) => ({ ...face, crop: Array.from(crop(frame, face.box)) }))
}"""

BLOCKS: dict[str, list[dict[str, Any]]] = {
    "strided": [
        {"type": "standardise"},
        {"type": "conv", "filters": 5, "kernel": 5, "stride": 3, "activation": "leaky_relu"},
        {"type": "norm", "activation": "elu"},
        {"type": "pool", "kind": "average", "size": 3},
        {"type": "conv", "filters": 12, "kernel": 1, "activation": "gelu"},
        {"type": "flatten"},
        {"type": "dense", "units": 9, "activation": "tanh"},
    ],
    "depthwise": [
        {"type": "resize", "size": 40},
        {"type": "conv", "filters": 8, "activation": "relu6"},
        {"type": "depthwise_conv", "activation": "none"},
        {"type": "depthwise_conv", "kernel": 5, "stride": 2, "activation": "tanh"},
        {"type": "pool", "kind": "max", "size": 2},
        {"type": "global_pooling", "kind": "max"},
    ],
    "residual": [
        {"type": "conv", "filters": 6, "stride": 2},
        {"type": "residual", "filters": 6},
        {"type": "residual", "filters": 10, "stride": 2},
        {"type": "depthwise_conv"},
        {"type": "dropout"},
        {"type": "global_pooling"},
        {"type": "dense", "units": 6, "activation": "elu", "bias": False},
    ],
    "mobilenet": [  # a quarter as wide: its weights take long to send
        block | {"filters": block["filters"] // 4} if "filters" in block else block
        for block in families.mobilenet(size=48)
    ],
}


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.evaluate(_LOAD, _SCRIPT)
        yield page
        browser.close()


def run_in_firefox(folder: Path, call: str, given: Any) -> Any:
    """Return what a function of JavaScript answers in Firefox, which posts it to a server of this test."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None:
        pytest.skip("no Firefox is installed (apt-get install firefox-esr)")
    load = f"await ({_LOAD})({json.dumps(_SCRIPT)})"
    post = f"await fetch('/', {{ method: 'POST', body: JSON.stringify(({call})({json.dumps(given)})) }})"
    page = f"<!doctype html><meta charset=utf-8><script type=module>{load}\n{post}</script>".encode()
    answered: queue.Queue[bytes] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            answered.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = folder / "profile"
    profile.mkdir()
    address = f"http://127.0.0.1:{server.server_port}/"
    browser = subprocess.Popen(
        [firefox, "--headless", "--no-remote", "--profile", str(profile), address],
        env=os.environ | {"HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return json.loads(answered.get(timeout=120))
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
        server.server_close()


def answers(page: Page, bundle: Bundle, images: np.ndarray) -> np.ndarray:
    content = text(images.astype(np.float32).tobytes())
    return np.array(page.evaluate(_RUN, [text(litert_plan(bundle)), content, [1, 48, 48, 1]]))


def unquantised(model: Any, folder: Path) -> Bundle:
    export_litert(model, folder / "model.tflite", "none")
    return Bundle(folder, {"labels": list(NAMES), "name": "made"})


@pytest.mark.parametrize("name", [*BLOCKS, "plain", "ensemble"])
def test_networks_answer_as_in_keras(name: str, page: Page, tmp_path: Path) -> None:
    if name in BLOCKS:
        graph = shipped_graph([network(0, "blocks", blocks=BLOCKS[name])], mirror=True, zoom=False)
    elif name == "ensemble":
        graph = shipped_graph([network(3), network(4, "residual")], mirror=True, zoom=True, temperature=0.7)
    else:
        graph = shipped_graph([network(1)], mirror=False, zoom=False)
    images = uneven(3)
    got, expected = answers(page, unquantised(graph, tmp_path), images), predict(graph, images)
    # 27 layers of random weights, which no training has calmed, enlarge the last digit of a float.
    assert np.abs(got - expected).max() < (2e-5 if name == "mobilenet" else 1e-5)
    assert np.abs(expected - expected.mean(axis=0)).max() > 0.01, "or a mistake would not show"


def shown(difference: np.ndarray, expected: np.ndarray) -> str:
    return f"differs by {difference.max():.4f} where Python says {expected[difference.argmax()]}"


def check_shipped(got: np.ndarray, bundle: Bundle, faces: np.ndarray) -> None:
    """Both round activations to 8 bits, where the last digit of a sum may decide."""
    classifier = Classifier(bundle)
    expected = np.concatenate([classifier.probabilities(face[None]) for face in faces])
    difference = np.abs(got - expected).max(axis=1)
    assert difference.max() < 0.01, shown(difference, expected)
    first, second = np.sort(expected, axis=1)[:, :-3:-1].T
    clear = first - second > 0.02
    assert (got.argmax(axis=1) == expected.argmax(axis=1))[clear].all() and clear.mean() > 0.5


@pytest.mark.parametrize("bundle", shipped(), ids=lambda bundle: bundle.name)
def test_shipped_models_answer_as_litert(bundle: Bundle, page: Page) -> None:
    faces = open_dataset("synthetic:70").images[:12]
    check_shipped(answers(page, bundle, faces), bundle, faces)


def test_they_do_in_firefox(tmp_path: Path) -> None:
    faces, bundles = open_dataset("synthetic:70").images[:12], [find_bundle("tiny"), find_bundle("photo")]
    content = text(faces.astype(np.float32).tobytes())
    given = [[text(litert_plan(bundle)), content, [1, 48, 48, 1]] for bundle in bundles]
    for bundle, got in zip(
        bundles, run_in_firefox(tmp_path, f"(all) => all.map({_RUN})", given), strict=True
    ):
        check_shipped(np.array(got), bundle, faces)


@pytest.mark.parametrize("name", ["tiny", "photo"])
def test_they_do_on_real_faces(name: str, page: Page, shared: Path) -> None:
    predictor = Predictor("tiny")
    photos = sorted((shared / "photos").rglob("*.jpg"))[::20][:40]
    faces = [face.crop for photo in photos for face in predictor.predict(photo)[:1]]
    bundle, crops = find_bundle(name), np.stack(faces)
    check_shipped(answers(page, bundle, crops), bundle, crops)


def check_detector(page: Page, frames: list[np.ndarray]) -> None:
    predictor, weights = Predictor("tiny"), yunet_weights()
    assert weights is not None
    plan = text(yunet_plan(weights))
    count = 0
    for frame in frames:
        height, width = frame.shape[:2]
        rgba = np.dstack([frame, np.full((height, width), 255, np.uint8)])
        found = page.evaluate(_FIND, [plan, text(rgba.tobytes()), width, height])
        expected = session._detect(predictor, frame)
        shrunk = max(1.0, max(height, width) / 336)
        small = cv2.resize(frame, (round(width / shrunk), round(height / shrunk))) if shrunk > 1 else frame
        faces = sorted(
            predictor.detector.detect(small, one_look=True), key=lambda face: -face.box[2] * face.box[3]
        )
        scale = np.array([width / small.shape[1], height / small.shape[0]])
        assert len(found) == len(faces)
        for ours, face, predicted in zip(found, faces, expected, strict=False):
            assert np.abs(ours["box"] - np.tile(scale, 2) * face.box).max() < 1e-3
            assert np.abs(ours["landmarks"] - scale * face.landmarks).max() < 1e-3
            assert abs(ours["score"] - face.score) < 1e-5
            assert (np.array(ours["crop"]).reshape(48, 48) == predicted.crop).all()
            count += 1
    assert count >= len(frames) - 1, "faces were found"


def test_frames_have_the_faces_that_python_finds(page: Page) -> None:
    portrait = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB")
    frames = []
    for side, size in [(300, (640, 480)), (200, (480, 640)), (150, (320, 240)), (440, (1280, 720))]:
        frame = Image.new("RGB", size, (90, 100, 110))
        frame.paste(portrait.resize((side, side)), (40, 20))
        frames.append(np.asarray(frame))
    check_detector(page, frames)


def test_photos_have_the_faces_that_python_finds(page: Page, shared: Path) -> None:
    photos = sorted((shared / "photos").rglob("*.jpg"))[::80][:10]
    frames = [np.asarray(Image.open(photo).convert("RGB")) for photo in photos]
    large = [frame for frame in frames if max(frame.shape) > 320]
    check_detector(page, large)
    check_detector(page, [cv2.resize(frame, (640, 480)) for frame in frames])


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            keras.layers.Conv2D(2, 3, dilation_rate=2),
            keras.layers.Flatten(),
            keras.layers.Dense(7, activation="softmax"),
        ]
    )
    with pytest.raises(ModelError, match=r"made cannot run in the browser, whose runtime does not know"):
        litert_plan(unquantised(model, tmp_path))


def test_the_scripts_are_whole(page: Page) -> None:
    """Modules are joined to one script each, in which no name may stand twice."""
    for script in (WORKER, f"const WORKER = ''\n{LIVE}", f"const WORKER = ''\n{STILLS}"):
        page.evaluate("(script) => { new Function(script.replace(/^export .*/gm, '')) }", script)
