"""Storage of collected faces as class folders, which `open_dataset` and other FER programs can read."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .. import emotions
from ..errors import DataError
from .dataset import find_split

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def check_name(folder: Path, name: str) -> None:
    """Check the name of a new data set below `folder`.

    Raises:
        DataError: The name is invalid or already taken.
    """
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot name a data set: expected at most 60 letters, digits, - and _, with a letter "
            "or digit first."
        )
    # A folder "test" would be read as a test split, and "uploads" belongs to the app.
    if find_split(name) or name.lower() == "uploads":
        raise DataError(f"{name!r} is a reserved folder name: choose another one.")
    if (folder / name).exists():
        raise DataError(f"{folder / name} exists already and is not overwritten: choose another name.")


def save_faces(folder: Path, name: str, images: np.ndarray, labels: Sequence[str]) -> Path:
    """Write faces to `folder/name/<class>/NNN.png`, all of them or none.

    Args:
        folder: Created if it does not exist.
        name: Letters, digits, - and _.
        images: (N, 48, 48) uint8 grey.
        labels: N label names of `emotions.NAMES`.

    Returns:
        The new folder, a source for `open_dataset`. Only the user who runs the program may read it.

    Raises:
        DataError: The name is invalid or taken, there are no faces, a label is unknown, or the folder cannot
            be written.
    """
    check_name(folder, name)
    if images.dtype != np.uint8 or images.shape != (len(labels), 48, 48) or not len(images):
        raise DataError(
            f"Expected at least one 48x48 uint8 face and a label for each, got {images.dtype} "
            f"{images.shape} and {len(labels)}."
        )
    if unknown := sorted(set(labels) - set(emotions.NAMES)):
        raise DataError(f"Unknown class name {unknown[0]!r}: expected some of {', '.join(emotions.NAMES)}.")
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Readable only by the owner: they are faces.
        temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
        written: Counter[str] = Counter()
        for image, label in zip(images, labels, strict=True):
            (temporary / label).mkdir(exist_ok=True)
            written[label] += 1
            Image.fromarray(image).save(temporary / label / f"{written[label]:03}.png")
        temporary.rename(folder / name)
    except OSError as error:
        raise DataError(
            f"The faces could not be saved in {folder / name}: {error.strerror or error}."
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)  # already renamed on success
    return folder / name
