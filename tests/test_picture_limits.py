"""Files that cost far more than their pixels are refused before a decoder sees them."""

from __future__ import annotations

import io
import os
import re
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core import imaging
from fer_core.data import open_dataset
from fer_core.errors import DataError, ImageError


def saved(form: str, side: int = 64, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)).save(
        buffer, form, **options
    )
    return buffer.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def many_scans(scans: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    jpeg = saved("JPEG", side, progressive=True)
    starts = [match.start() for match in re.finditer(b"\xff\xda", jpeg)]
    last = jpeg[starts[-1] : -2]
    return jpeg[: starts[-1]] + last * (scans - len(starts) + 1) + jpeg[-2:]


JPEG, GIF = saved("JPEG"), saved("GIF")
START = GIF.index(b"\x2c", 13 + 768)
COSTLY: dict[str, Callable[[], bytes]] = {
    "scans": lambda: many_scans(101),
    "scans_of_many_pixels": lambda: many_scans(90, 4500),
    "exif": lambda: JPEG[:2] + segment(0xE1, b"Exif\0\0" + b"x" * 65_000) * 300 + JPEG[2:],
    "segments": lambda: JPEG[:2] + segment(0xE1, b"Exif\0\0x") * 3_000 + JPEG[2:],
    "fill": lambda: JPEG[:2] + b"\xff" * 1_000_000 + JPEG[2:],
    "gif_comment": lambda: GIF[:START] + b"\x21\xfe" + b"\x01a" * 1_000_000 + b"\0" + GIF[START:],
    "gif_comments": lambda: GIF[:START] + b"\x21\xfe\x01a\0" * 300_000 + GIF[START:],
}


@pytest.mark.parametrize("attack", COSTLY)
def test_a_costly_file_is_refused_at_once(tmp_path: Path, attack: str) -> None:
    content = COSTLY[attack]()
    begun = time.process_time()
    with pytest.raises(ImageError, match="save it again"):
        imaging.open_image(content, "a photo")
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ImageError, match="save it again"):
        imaging.open_reduced(tmp_path / "a")
    assert time.process_time() - begun < 6, "read in full, the worst takes three times as long"


@pytest.mark.parametrize(
    "content",
    [
        saved("JPEG", 300, progressive=True),
        saved("JPEG", 300, restart_marker_rows=1),
        saved("JPEG", icc_profile=b"x" * 600_000, exif=b"Exif\0\0" + b"x" * 60_000, comment=b"x" * 60_000),
        many_scans(60),
        GIF[:START] + b"\x21\xfe" + b"\xff" + b"a" * 255 + b"\0" + GIF[START:],
        GIF[:-1] + GIF[START:-1] * 1000 + b";",
        saved("GIF", save_all=True, append_images=[Image.new("RGB", (64, 64), (i, 0, 0)) for i in range(40)]),
        saved("MPO", save_all=True, append_images=[Image.new("RGB", (64, 64))]),
    ],
)
def test_usual_files_are_read(content: bytes) -> None:
    assert imaging.open_image(content).size[0] in (64, 300)


def test_scans_count_in_a_data_set(own_cache: None, tmp_path: Path) -> None:
    content = COSTLY["scans"]()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for i in range(10):
            archive.writestr(f"{('happy', 'sad')[i % 2]}/{i}.jpg", content)
    with pytest.raises(DataError, match="a JPEG of 101 scans"):
        open_dataset(tmp_path / "a.zip")


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    """`predict` on a pipe without a writer hung for ever."""
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="a pipe or a device"):
        imaging.open_image(tmp_path / "a.jpg")
