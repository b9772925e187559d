"""Table of the faces of pictures and videos, as rows and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..bundles.classifier import Classifier
from ..inference import face_table
from ..video import Timeline
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
        place: dict[str, Any] = {"file": result.name, "frame": result.frame, "cut_off": result.cut_off}
        if not result.faces:
            error = result.error or "no face found"
            out.append(face_table.empty_row(classifier, **place, error=error))
        out += [
            face_table.face_row(face, classifier, **place, number=number, unsure_below=unsure_below)
            for number, face in enumerate(result.faces, 1)
        ]
    return out


def video_rows(timeline: Timeline, classifier: Classifier, unsure_below: float = 0.0) -> list[dict[str, Any]]:
    """Return one row for each face at each moment of a video; a video without faces has one row.

    Args:
        timeline: Result of `analyse_video`.
        classifier: The model.
        unsure_below: Faces with less confidence are marked unsure.
    """
    empty = face_table.empty_row(classifier, file=timeline.name, frame=0, error="no face found")
    return list(timeline.rows(unsure_below)) or [empty]


def csv_text(results: Iterable[PictureResult], classifier: Classifier, unsure_below: float = 0.0) -> str:
    """Return the rows of pictures as CSV text with a header, see `face_table`."""
    return mixed_csv_text(rows(results, classifier, unsure_below), classifier)


def mixed_csv_text(table: Sequence[Mapping[str, Any]], classifier: Classifier) -> str:
    """Return rows of pictures and videos as CSV text with a header, see `face_table`.

    Where a video is among them, there are columns for the smoothed probabilities, empty for pictures.
    """
    smoothed = [f"smoothed_{name}" for name in classifier.labels]
    names = face_table.columns(classifier.labels)
    return face_table.csv_text(table, names + smoothed if any(smoothed[0] in row for row in table) else names)
