"""Small data sets whose pictures reveal their class, written in all forms of FER data."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fer_core.data import Dataset, open_dataset
from fer_core.errors import DataError

# The order of FER2013's codes, written out here so that the tests do not take it from what they test.
CODES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CODES_NOTE = (
    "Labels read as FER2013's codes: 0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral."
)
ALPHABETICAL = sorted(CODES)
USAGES = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}


def faces(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (count, 48, 48) uint8 faces, whose grey level reveals the class, and codes 0, 1, ... 6, 0"""
    codes = np.arange(count) % len(CODES)
    noise = np.random.default_rng(seed).integers(-9, 10, (count, 48, 48))
    images = (30 + 30 * codes[:, None, None] + noise).astype(np.uint8)
    images[:, 5, :4] = [0, 255, 7, 199]  # numbers of every length stand in the CSV
    return images, codes


def class_in(image: np.ndarray) -> str:
    """Return the class that the grey level of one of `faces` reveals, for any size and file format."""
    return CODES[round((float(np.median(image)) - 30) / 30)]


def names_of(codes: Iterable[int]) -> list[str]:
    return [CODES[code] for code in codes]


def pixel_text(images: np.ndarray) -> list[str]:
    return [" ".join(map(str, row)) for row in images.reshape(len(images), -1).tolist()]


def csv_text(columns: Mapping[str, Sequence[object]], delimiter: str = ",", newline: str = "\n") -> str:
    """A table, its columns in the order of `columns`."""
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    return "".join(delimiter.join(map(str, row)) + newline for row in rows)


def fer_columns(
    images: np.ndarray, labels: Sequence[object], usages: Sequence[str]
) -> dict[str, Sequence[object]]:
    return {"emotion": labels, "pixels": pixel_text(images), "Usage": usages}


def training_csv(path: Path, count: int = 40) -> Path:
    """`faces(count)` as training rows: row i stands on line i + 2."""
    images, codes = faces(count)
    path.write_text(csv_text(fer_columns(images, codes, ["Training"] * count)))
    return path


def replace_line(path: Path, number: int, text: str) -> None:
    """Put `text` in the place of a line; the first is 1."""
    lines = path.read_text().split("\n")
    lines[number - 1] = text
    path.write_text("\n".join(lines))


def write_folders(top: Path, images: np.ndarray, folders: Sequence[str], suffix: str = ".png") -> Path:
    """Picture i as `top/folders[i]/000i.png`."""
    for i, (image, folder) in enumerate(zip(images, folders, strict=True)):
        (top / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(top / folder / f"{i:04d}{suffix}")
    return top


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(
    path: Path,
    blobs: Sequence[bytes | None],
    class_names: Sequence[str] | None = None,
    **columns: Sequence[object],
) -> Path:
    """Encoded images and other columns.

    `class_names` go into the metadata as Hugging Face's ClassLabel of `label`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"image": [{"bytes": blob, "path": None} for blob in blobs], **columns})
    if class_names is not None:
        features = {"image": {"_type": "Image"}, "label": {"names": list(class_names), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path)
    return path


def write_zip(path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def zip_of(folder: Path, path: Path) -> Path:
    """The files below `folder`, under the name of `folder`, as people zip them."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return write_zip(path, {p.relative_to(folder.parent).as_posix(): p.read_bytes() for p in files})


def label_names(dataset: Dataset) -> list[str]:
    """The name of each image's label."""
    return ["unlabelled" if label < 0 else dataset.label_names[label] for label in dataset.labels]


def check_names(dataset: Dataset, count: int) -> None:
    """Check that `dataset` has `count` of `faces`, each under the name that its own grey level reveals."""
    assert len(dataset) == count
    assert label_names(dataset) == [class_in(image) for image in dataset.images]


def refused(source: object, *words: str) -> str:
    """Return the message with which `source` is refused: one readable line that contains `words`."""
    with pytest.raises(DataError) as caught:
        open_dataset(str(source))
    message = str(caught.value)
    assert "\n" not in message and "\r" not in message
    assert len(message) < 700, "nobody reads that much"
    for word in words:
        assert word in message, message
    return message
