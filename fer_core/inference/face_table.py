"""Table of faces: one row a face, with the same columns for photos, albums, videos and the HTTP API.

docs/reference/faces.md describes the columns.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..bundles.classifier import Classifier
from ..csv_cells import harmless, harmless_rows
from .input_warnings import input_warnings
from .predict import FacePrediction

LANDMARKS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")  # the person's right and left
_LANDMARK_COLUMNS = tuple(f"{name}_{axis}" for name in LANDMARKS for axis in "xy")
_HEAD = ("file", "frame", "time", "face", "x", "y", "width", "height", "rotation", "score")
_TAIL = ("label", "confidence", "unsure", "warnings", "model", "model_version")
BOX = ("x", "y", "width", "height")


def columns(labels: Sequence[str]) -> list[str]:
    """Return the names of the columns, for the classes of one model."""
    return [*_HEAD, *_LANDMARK_COLUMNS, *labels, *_TAIL, "error"]


def face_row(
    face: FacePrediction,
    classifier: Classifier,
    *,
    file: str,
    number: int,
    frame: int = 1,
    cut_off: bool = False,
    unsure_below: float = 0.0,
) -> dict[str, Any]:
    """Return the row of a face in a picture; `warnings` is a list of names.

    Args:
        face: The face.
        classifier: Its model.
        file: Name of the picture.
        number: Number of the face in the picture, from 1.
        frame: Number of the picture in its file, from 1.
        cut_off: A part of the picture's file is missing.
        unsure_below: Faces with less confidence are marked unsure.
    """
    return (
        {"file": file, "frame": frame, "time": None, "face": number}
        | dict(zip(BOX, map(float, face.box), strict=True))
        | {"rotation": face.rotation, "score": face.score}
        | landmark_cells(face.landmarks)
        | {name: round(p, 4) for name, p in face.probabilities.items()}
        | {
            "label": face.label,
            "confidence": round(face.confidence, 4),
            "unsure": face.unsure(unsure_below),
            "warnings": [warning.name for warning in input_warnings(face)] + _of_file(cut_off),
        }
        | model_cells(classifier)
        | {"error": None}
    )


def empty_row(
    classifier: Classifier, *, file: str, frame: int = 1, cut_off: bool = False, error: str
) -> dict[str, Any]:
    """Return the row of a picture without a face: face 0, and the reason."""
    cells: dict[str, Any] = {"file": file, "frame": frame, "face": 0, "rotation": 0, "unsure": False}
    cells["warnings"] = _of_file(cut_off)
    return dict.fromkeys(columns(classifier.labels)) | cells | model_cells(classifier) | {"error": error}


def _of_file(cut_off: bool) -> list[str]:
    """Return the warnings of a picture's file, which all of its faces have."""
    return ["cut off"] * cut_off


def landmark_cells(landmarks: np.ndarray | None) -> dict[str, float | None]:
    """Return the cells of (5, 2) landmarks, to a tenth of a pixel; None where the detector gives none."""
    if landmarks is None:
        return dict.fromkeys(_LANDMARK_COLUMNS)
    return dict(zip(_LANDMARK_COLUMNS, np.round(landmarks, 1).ravel().tolist(), strict=True))


def model_cells(classifier: Classifier) -> dict[str, str]:
    """Return the cells that name the model."""
    return {"model": classifier.bundle.name, "model_version": classifier.version}


def csv_text(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> str:
    """Return rows as CSV with a header; several warnings of a face are separated by ";"."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(map(harmless, names)))
    writer.writeheader()
    writer.writerows(harmless_rows({**row, "warnings": ";".join(row["warnings"])} for row in rows))
    return buffer.getvalue()
