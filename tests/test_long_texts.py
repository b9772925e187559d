"""Texts made to keep a regular expression busy: each took minutes or longer before."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fer_core.data import open_dataset
from fer_core.errors import ConfigError, DataError
from fer_core.picture_files import HEAD_BYTES, is_picture
from fer_core.runs.sweep_folder import Dimension

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize("part", [b"# ", b"#", b"#\n", b" ", b"1"])
def test_the_head_of_a_portable_pixmap(part: bytes) -> None:
    assert not is_picture((b"P6 " + part * HEAD_BYTES)[: HEAD_BYTES - 1] + b"x")


@pytest.mark.parametrize("comment", [b"", b"# by hand\n", b"# one\n# two # three\r\n"])
def test_its_comments_are_read(comment: bytes) -> None:
    assert is_picture(b"P6\n" + comment + b"48 48\n255\n")


@pytest.mark.parametrize("cell", [" ", "[", "1 ", "1", " ,"])
def test_a_cell_of_a_table(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(f'emotion,image\n3,"{cell * 60_000}"\n')
    with pytest.raises(DataError):
        open_dataset(tmp_path / "a.csv")


@pytest.mark.parametrize("names", ["\n", "\n -", "\n 1", "names:\n", "[", "names:["])
def test_the_names_of_a_yolo_export(tmp_path: Path, names: str) -> None:
    picture = io.BytesIO()
    Image.new("L", (48, 48)).save(picture, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data.yaml", "names:" + names * 30_000)
        archive.writestr("images/a.png", picture.getvalue())
        archive.writestr("labels/a.txt", "0 0.5 0.5 1 1\n")
    with pytest.raises(DataError):
        open_dataset(tmp_path / "a.zip")


@pytest.mark.parametrize("text", ["." * 100_000, "1..2" + " " * 100_000 + "x", "1" * 100_000 + "..x"])
def test_a_search_range(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a list such as"):
        Dimension.parse(text)


def _zip_in_zip(depth: int) -> bytes:
    """A zip that holds a zip, as the quines among them hold themselves."""
    content = b"no picture"
    for _ in range(depth):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("happy/a.zip", content)
        content = buffer.getvalue()
    return content


def _names(count: int) -> bytes:
    """A zip whose list of members names one member again and again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("happy/a.png", b"x")
        (member,) = archive.filelist
        archive.filelist.extend([member] * (count - 1))
    return buffer.getvalue()


@pytest.mark.parametrize(("make", "count"), [(_zip_in_zip, 50), (_names, 1_000_001)])
def test_a_zip_of_zips_and_one_of_a_million_names(
    tmp_path: Path, make: Callable[[int], bytes], count: int
) -> None:
    (tmp_path / "a.zip").write_bytes(make(count))
    with pytest.raises(DataError) as error:
        open_dataset(tmp_path / "a.zip")
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
