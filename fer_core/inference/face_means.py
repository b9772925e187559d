"""Means of the table of faces: one row a file, or one row a face of each file over time.

docs/reference/faces.md describes the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from . import face_table

By = Literal["file", "face"]


def columns(labels: Sequence[str]) -> list[str]:
    """Return the names of the columns, for the classes of one model."""
    head = ["file", "face", "faces", "sights", "from", "to"]
    return [*head, *labels, "label", "confidence", "unsure", "warnings", "model", "model_version", "error"]


def means(
    rows: Iterable[Mapping[str, Any]], labels: Sequence[str], by: By, unsure_below: float = 0.0
) -> list[dict[str, Any]]:
    """Return the mean probabilities of each file, or of each face of a file, in the order of `rows`.

    Each sight of a face counts once, so that a face weighs more in its file's mean the longer it is seen.

    Args:
        rows: Rows of `face_table`, of pictures and videos.
        labels: Classes of the model.
        by: Group by "file", or by "face" of a file.
        unsure_below: Means with less confidence are marked unsure.
    """
    groups: dict[tuple[str, int | None], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["file"], row["face"] if by == "face" else None), []).append(row)
    return [_mean(name, face, group, labels, unsure_below) for (name, face), group in groups.items()]


def csv_text(
    rows: Iterable[Mapping[str, Any]], labels: Sequence[str], by: By, unsure_below: float = 0.0
) -> str:
    """Return `means` as CSV text with a header."""
    return face_table.csv_text(means(rows, labels, by, unsure_below), columns(labels))


def _mean(
    name: str, face: int | None, rows: Sequence[Mapping[str, Any]], labels: Sequence[str], unsure_below: float
) -> dict[str, Any]:
    seen = [row for row in rows if row["face"]]
    times = [row["time"] for row in seen if row["time"] is not None]
    out = dict.fromkeys(columns(labels)) | {
        "file": name,
        "face": face,
        "faces": len({row["face"] for row in seen}),
        "sights": len(seen),
        "from": min(times, default=None),
        "to": max(times, default=None),
        "unsure": False,
        "warnings": sorted({warning for row in seen for warning in row["warnings"]}),
        "model": rows[0]["model"],
        "model_version": rows[0]["model_version"],
        "error": None if seen else rows[0]["error"],
    }
    if seen:
        mean = np.mean([[row[label] for label in labels] for row in seen], axis=0)
        out |= {label: round(float(p), 4) for label, p in zip(labels, mean, strict=True)}
        confidence = float(mean.max())
        out |= {"label": labels[int(mean.argmax())], "confidence": round(confidence, 4)}
        out["unsure"] = confidence < unsure_below
    return out
