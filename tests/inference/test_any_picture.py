"""Any picture goes through predict, the service and an album: an answer or one sentence, always the same."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fer_core.album import analyse, pictures, rows
from fer_core.errors import ImageError
from fer_core.inference import Predictor
from fer_core.serve import Limits, create_app
from tests.conftest import ROOT, Shell

PORTRAIT = Image.open(ROOT / "pages" / "assets" / "portrait.jpg").convert("RGB")
FORMATS = {
    "1": ("PNG", "TIFF", "BMP"),
    "L": ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "PPM"),
    "P": ("PNG", "GIF", "TIFF"),
    "RGB": ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "PPM"),
    "RGBA": ("PNG", "WEBP", "TIFF"),
    "LA": ("PNG", "TIFF"),
    "CMYK": ("JPEG", "TIFF"),
    "I;16": ("PNG", "TIFF"),
    "F": ("TIFF",),
}
EXAMPLES = int(os.environ.get("FER_ANY_PICTURES", 10))  # 2000 for a thorough search

_predictor = Predictor("tiny")
_client = TestClient(
    create_app(_predictor.classifier.bundle, Limits(per_minute=1_000_000, megabytes=400, megapixels=100))
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """The bytes of a picture: any size, mode, content, turn and format, perhaps cut off."""
    strip = draw(st.booleans())
    width = draw(st.integers(1, 12000 if strip else 500))
    height = draw(st.integers(1, 40 if strip else 500))
    kind = draw(st.sampled_from(["portrait", "noise", "plain", "ramp"]))
    if kind == "portrait":
        picture = PORTRAIT.resize((width, height))
    else:
        pixels = np.full((height, width, 3), draw(st.integers(0, 255)), np.uint8)
        if kind == "noise":
            pixels[:] = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, pixels.shape)
        elif kind == "ramp":
            pixels[:] = np.linspace(0, 255, width)[None, :, None]
        picture = Image.fromarray(pixels)
    picture = picture.rotate(draw(st.sampled_from([0, 90, 180, 270, 30, 45])), expand=True)
    mode = draw(st.sampled_from(sorted(FORMATS)))
    if mode == "I;16":
        picture = Image.fromarray(
            np.asarray(picture.convert("L")).astype(np.uint16) * draw(st.integers(1, 257))
        )
    elif mode in ("LA", "RGBA"):
        picture = picture.convert("RGBA").convert(mode)
    else:
        picture = picture.convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, draw(st.sampled_from(FORMATS[mode])))
    content = buffer.getvalue()
    return content[: round(draw(st.sampled_from([1, 1, 1, 0.99, 0.7, 0.4, 0.05])) * len(content))]


def answer(content: bytes) -> list[dict] | str:
    try:
        read = _predictor.predict_picture(content)
    except ImageError as error:
        assert "\n" not in str(error)
        return str(error)
    for face in read.faces:
        x, y, width, height = face.box
        assert x >= 0 and y >= 0 and x + width <= read.size[0] and y + height <= read.size[1]
    (result,) = analyse(pictures([("a", content)]), _predictor)
    table = rows([result], _predictor.classifier)
    assert len(table) == max(1, len(read.faces))
    return table


@pytest.mark.long
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    database=None,
    derandomize=EXAMPLES <= 10,
)
@given(files())
def test_any_picture_has_an_answer_and_always_the_same(content: bytes) -> None:
    first = answer(content)
    assert answer(content) == first
    reply = _client.post("/predict", content=content)
    if isinstance(first, str):
        assert reply.status_code == 400 and reply.json() == {"error": first}
    else:
        assert reply.status_code == (200 if content else 400)
        found = reply.json()["faces"]
        assert [(face["box"][:2], face["label"]) for face in found] == [
            ([row["x"], row["y"]], row["label"]) for row in first if row["face"]
        ]


@pytest.mark.long
def test_it_goes_through_the_shell(tmp_path: Path, shell: Shell) -> None:
    """A strip, a cut-off file and a name of another coding in one call."""
    PORTRAIT.resize((330, 32)).save(tmp_path / "strip.png")
    buffer = io.BytesIO()
    PORTRAIT.save(buffer, "JPEG")
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(buffer.getvalue()[:-30])
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    for coding in ("utf-8", "ascii"):
        os.environ["PYTHONIOENCODING"] = coding
        try:
            result = shell.json("predict", tmp_path, "--csv", tmp_path / "faces.csv")
            text = shell("predict", tmp_path)
            data = shell("data", tmp_path)
        finally:
            del os.environ["PYTHONIOENCODING"]
        cut, bad, strip = result
        assert (
            cut["file"].endswith("caf\\udce9.jpg") and len(cut["faces"]) == 1 and "cut off" in cut["notes"][0]
        )
        assert "cannot be read" in bad["error"] and strip["faces"] == []
        assert "caf\\udce9.jpg" in (tmp_path / "faces.csv").read_text()
        assert text.returncode == 0 and "Traceback" not in text.stderr + data.stderr
