"""The faces of an album as rows, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ..inference.unlike import unlike_training
from .analysis import PictureResult


def columns(labels: Sequence[str]) -> list[str]:
    """The names of the columns that `rows` fills, for the classes of one model."""
    head = ["file", "face", "x", "y", "width", "height", "score", "label", "confidence", "unsure"]
    return [*head, *labels, "unlike", "error"]


def rows(
    results: Iterable[PictureResult], labels: Sequence[str], unsure_below: float = 0.0
) -> list[dict[str, Any]]:
    """One row a face, with None where a column says nothing; a picture without faces has one row too, which says so or why.

    Args:
        results: as `analyse` gives them.
        labels: the model's classes, which become columns with their probabilities.
        unsure_below: faces of less confidence are marked unsure.
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
                | {"unlike": " ".join(unlike_training(face))}
            )
    return out


def csv_text(results: Iterable[PictureResult], labels: Sequence[str], unsure_below: float = 0.0) -> str:
    """The rows as CSV, UTF-8 text with a header."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns(labels))
    writer.writeheader()
    writer.writerows(rows(results, labels, unsure_below))
    return buffer.getvalue()
