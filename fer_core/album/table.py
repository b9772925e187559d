"""Table of the faces of an album, as rows and as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..bundles.classifier import Classifier
from ..inference import face_table
from .analysis import PictureResult


def rows(
    results: Iterable[PictureResult], classifier: Classifier, unsure_below: float = 0.0
) -> list[dict[str, Any]]:
    """Return one row per face; a picture without faces has one row with the reason.

    Args:
        results: Results of `analyse`.
        classifier: The model.
        unsure_below: Faces with less confidence are marked unsure.
    """
    out: list[dict[str, Any]] = []
    for result in results:
        place: dict[str, Any] = {"file": result.name, "frame": result.frame}
        if not result.faces:
            out.append(face_table.empty_row(classifier, **place, error=result.error or "no face found"))
        out += [
            face_table.face_row(face, classifier, **place, number=number, unsure_below=unsure_below)
            for number, face in enumerate(result.faces, 1)
        ]
    return out


def csv_text(results: Iterable[PictureResult], classifier: Classifier, unsure_below: float = 0.0) -> str:
    """Return the rows as CSV text with a header, see `face_table`."""
    return face_table.csv_text(rows(results, classifier, unsure_below), face_table.columns(classifier.labels))
