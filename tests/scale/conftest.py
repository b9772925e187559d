"""Small sources of faces and photos for scoring."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from .. import tiny

PORTRAIT = Path(__file__).resolve().parent.parent.parent / "pages" / "assets" / "portrait.jpg"


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An npz of 300 faces."""
    path = tmp_path_factory.mktemp("faces") / "faces.npz"
    codes = np.arange(300) % 7
    np.savez(path, images=tiny.banded(codes), labels=codes)
    return path


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_table(
    path: Path, images: np.ndarray, codes: np.ndarray, row_group: int, bad: tuple[int, ...] = ()
) -> None:
    blobs = [b"no picture" if i in bad else png(image) for i, image in enumerate(images)]
    table = pa.table(
        {"image": [{"bytes": blob, "path": None} for blob in blobs], "label": pa.array(codes.astype(np.int8))}
    )
    pq.write_table(table, path, row_group_size=row_group)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two Parquet files with 130 and 70 faces in groups of 50 rows, of which row 60 is damaged."""
    folder = tmp_path_factory.mktemp("tables")
    codes = np.arange(200) % 7
    images = tiny.banded(codes)
    write_table(folder / "a.parquet", images[:130], codes[:130], 50, bad=(60,))
    write_table(folder / "b.parquet", images[130:], codes[130:], 50)
    (folder / "README.md").write_text("two tables")
    return folder


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos: a portrait in two folders, one without a face, one damaged, and a list that is not a photo."""
    folder = tmp_path_factory.mktemp("album")
    (folder / "2024").mkdir()
    portrait = Image.open(PORTRAIT)
    portrait.save(folder / "b.jpg")
    portrait.resize((portrait.width // 2, portrait.height // 2)).save(folder / "2024" / "a.png")
    Image.new("RGB", (200, 200), "white").save(folder / "white.png")
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8 no photo")
    (folder / "labels.csv").write_text("file,label\nb.jpg,happy\n")
    return folder
