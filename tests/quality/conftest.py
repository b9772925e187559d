"""Small data set with every known kind of problem."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.data import Dataset, open_dataset
from fer_core.data.vote_counts import Votes
from fer_core.data.votes import find_votes, read_votes


@pytest.fixture
def faces() -> Dataset:
    """700 drawn faces."""
    return open_dataset("synthetic:700")


@pytest.fixture
def data(voted: Path) -> Dataset:
    """The data of `tiny.write_voted`."""
    return open_dataset(voted)


@pytest.fixture
def votes(voted: Path, data: Dataset) -> Votes:
    path = find_votes(str(voted))
    assert path is not None
    return read_votes(path, data)


def write_npz(path: Path, images: np.ndarray, labels: np.ndarray, splits: list[str]) -> Dataset:
    """The images as a source that opens."""
    rows = [
        f"{label},{' '.join(map(str, image.ravel()))},{split}"
        for image, label, split in zip(images, labels, splits, strict=True)
    ]
    path.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    return open_dataset(path)


def compressed(image: np.ndarray, quality: int = 60) -> np.ndarray:
    """The same image after JPEG."""
    return cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE
    )
