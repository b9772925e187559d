"""What Predict says of turned, covered, moving and cut-off pictures, and of a camera over plain http."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image

from fer_core.inference import FaceDetector
from tests.inference.test_covered import covered_faces
from tests.pages.conftest import ROOT, open_page
from tests.pages.test_pages import texts

pytestmark = pytest.mark.long

PORTRAIT = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB")


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def test_predict_says_how_a_picture_was_read(folders: Path) -> None:
    app = open_page("predict")
    small = PORTRAIT.resize((300, 300))
    blank = Image.new("RGB", small.size, "teal")
    pixels = np.asarray(PORTRAIT)
    (bare,) = FaceDetector().detect(pixels)
    mask = covered_faces.covered_by(pixels, bare, "mask", np.random.default_rng(0))
    uploader = app.file_uploader(key="predict_photos")
    uploader.upload("turned.jpg", encoded(PORTRAIT.rotate(180), "JPEG"), "image/jpeg")
    uploader.upload("moving.gif", encoded(blank, "GIF", save_all=True, append_images=[small]), "image/gif")
    uploader.upload("no suffix", encoded(PORTRAIT, "JPEG")[:-500], "application/octet-stream")
    uploader.upload("mask.png", encoded(Image.fromarray(mask), "PNG"), "image/png").run()
    assert not app.exception and not app.error
    read = texts(app)
    for words in (
        "Turned by 180° to show the face upright.",
        "Frame 2 of 2.",
        "The file is cut off",
        "Mouth covered: the answer is less certain",
    ):
        assert read.count(words) == 1, words


# Live with a camera needs a browser: live/test_webrtc_browser.py.
@pytest.mark.parametrize(
    ("way", "address", "camera"),
    [
        ("Camera", "http://192.168.1.5:8501/", False),
        ("Live", "http://192.168.1.5:8501/", False),
        ("Camera", "https://example.org/", True),
        ("Camera", "http://localhost:8501/", True),
    ],
)
def test_a_camera_needs_https_or_localhost(
    folders: Path, monkeypatch: pytest.MonkeyPatch, way: str, address: str, camera: bool
) -> None:
    monkeypatch.setattr(type(st.context), "url", property(lambda self: address))
    app = open_page("predict")
    app.segmented_control(key="predict_way").set_value(way).run()
    assert not app.exception
    assert ("A camera needs https or localhost" in texts(app)) is not camera
    ways = [box for box in app.segmented_control if box.key == f"{way.lower()}_way"]
    assert len(ways) == int(camera)


def test_a_group_has_compact_cards_with_the_numbers_of_the_boxes(folders: Path) -> None:
    app = open_page("predict")
    group = Image.new("RGB", (900, 320), "grey")
    for left in (0, 300, 600):
        group.paste(PORTRAIT.resize((300, 300)), (left, 10))
    app.file_uploader(key="predict_photos").upload("group.png", encoded(group, "PNG"), "image/png").run()
    cards = [body for body in (e.proto.body for e in app.get("html")) if 'class="fer-card"' in body]
    assert not app.exception and [f"<b>{n}: " in card for n, card in enumerate(cards, 1)] == [True] * 3
    assert all(card.count('class="fill"') == 3 for card in cards), "three bars, the rest on demand"
    assert all('alt="face ' in card for card in cards)
    app.toggle(key="why_group.png_1").set_value(True)
