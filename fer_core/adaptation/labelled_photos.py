"""Photos with an expression each: the faces in them, and who is on them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import emotions
from ..album.source import file_is_picture
from ..errors import DataError, ImageError
from ..inference.predict import FacePrediction, Predictor

LABELS = "labels.csv"
_NUMBER = re.compile(r"[ _\-.]*\d+$")


@dataclass(frozen=True)
class LabelledPhotos:
    """N photos with the largest face of each.

    Attributes:
        files: Their paths.
        faces: (N, 48, 48) uint8 grey; black where no face was found.
        found: (N,) bool.
        labels: (N,) positions in `emotions.NAMES`.
        people: (N,) names of the people, see `person_of`.
    """

    files: list[Path]
    faces: np.ndarray
    found: np.ndarray
    labels: np.ndarray
    people: np.ndarray

    def trusted(self, untrusted: Sequence[str]) -> np.ndarray:
        """Return which photos have a face and a label outside the classes `untrusted`, (N,) bool."""
        return self.found & ~np.isin(self.labels, [emotions.NAMES.index(label) for label in untrusted])


def person_of(path: Path) -> str:
    """Return who is on a photo: its name without the number at the end ("Al_Gore_0002.jpg" -> "Al_Gore").

    A name that is only a number stands for itself: each such photo counts as another person.
    """
    return _NUMBER.sub("", path.stem) or path.stem


def read_labelled_photos(
    folder: Path, predictor: Predictor, on_progress: Callable[[int, int], None] = lambda done, count: None
) -> LabelledPhotos:
    """Read a folder with `labels.csv` (columns image and emotion), or with a folder of photos for each class.

    Args:
        predictor: Finds the faces.
        on_progress: Called with the photos read and their number after each.

    Raises:
        DataError: The folder has neither form, a label is unknown, or no photo has a face.
    """
    labelled = _listed(folder) if (folder / LABELS).is_file() else _class_folders(folder)
    faces = np.zeros((len(labelled), 48, 48), np.uint8)
    has_face = np.zeros(len(labelled), bool)
    for i, (path, _) in enumerate(labelled):
        try:
            face = _largest(predictor.predict(path))
        except ImageError as error:
            raise DataError(f"{error} Take it out of {folder}.") from None
        if face is not None:
            faces[i], has_face[i] = face.crop, True
        on_progress(i + 1, len(labelled))
    if not has_face.any():
        raise DataError(f"None of the {len(labelled)} photos in {folder} has a face that is found.")
    files = [path for path, _ in labelled]
    labels = np.array([emotions.NAMES.index(name) for _, name in labelled])
    return LabelledPhotos(files, faces, has_face, labels, np.array([person_of(path) for path in files]))


def _largest(faces: list[FacePrediction]) -> FacePrediction | None:
    return max(faces, key=lambda face: face.box[2] * face.box[3], default=None)


def _listed(folder: Path) -> list[tuple[Path, str]]:
    with open(folder / LABELS, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"image", "emotion"} <= set(reader.fieldnames or []):
            raise DataError(
                f"{folder / LABELS} has the columns {', '.join(reader.fieldnames or []) or '(none)'}: "
                "expected image and emotion."
            )
        rows = [(folder / row["image"], emotions.from_name(row["emotion"])) for row in reader]
    if missing := [path for path, _ in rows if not path.is_file()]:
        raise DataError(f"{LABELS} names {missing[0].name}, which is not in {folder}.")
    return _not_empty(folder, rows)


def _class_folders(folder: Path) -> list[tuple[Path, str]]:
    rows = [
        (path, name)
        for part in sorted(folder.iterdir() if folder.is_dir() else [])
        if part.is_dir() and (name := emotions.find(part.name))
        for path in sorted(part.iterdir())
        if path.is_file() and file_is_picture(path.name, path)
    ]
    return _not_empty(folder, rows)


def _not_empty(folder: Path, rows: list[tuple[Path, str]]) -> list[tuple[Path, str]]:
    if not rows:
        raise DataError(
            f"{folder} has no labelled photos: expected {LABELS} with the columns image and emotion, or a "
            f"folder for each of {', '.join(emotions.NAMES)} with photos in it."
        )
    return rows
