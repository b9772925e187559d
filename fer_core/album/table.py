"""Table of the faces of an album, as rows and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ..inference.input_warnings import input_warnings
from .analysis import PictureResult


def columns(labels: Sequence[str]) -> list[str]:
    """Return the names of the columns of `rows`, for the classes of one model."""
    head = ["file", "face", "x", "y", "width", "height", "score", "label", "confidence", "unsure"]
    return [*head, *labels, "unlike", "error"]


def rows(
    results: Iterable[PictureResult], labels: Sequence[str], unsure_below: float = 0.0
) -> list[dict[str, Any]]:
    """Return one row per face, with None in empty columns.

    A picture without faces has one row with the reason.

    Args:
        results: Results of `analyse`.
        labels: Classes of the model, which become columns with their probabilities.
        unsure_below: Faces with less confidence are marked unsure.
    """
    out = []
    empty = dict.fromkeys(columns(labels))
    for result in results:
        if not result.faces:
            out.append(empty | {"file": result.name, "error": result.error or "no face found"})
        for number, face in enumerate(result.faces, 1):
            x, y, width, height = face.box
            out.append(
                empty
                | {
                    "file": result.name,
                    "face": number,
                    "x": x,
                    "y": y,
                    "width": width,
                    "height": height,
                    "score": face.score,
                }
                | {
                    "label": face.label,
                    "confidence": round(face.confidence, 4),
                    "unsure": face.unsure(unsure_below),
                }
                | {name: round(p, 4) for name, p in face.probabilities.items()}
                | {"unlike": " ".join(input_warnings(face))}
            )
    return out


def csv_text(results: Iterable[PictureResult], labels: Sequence[str], unsure_below: float = 0.0) -> str:
    """Return the rows as CSV, UTF-8 text with a header."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns(labels))
    writer.writeheader()
    writer.writerows(rows(results, labels, unsure_below))
    return buffer.getvalue()
