"""Report on a model: its accuracy, its errors and its calibration, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..emotions import COLOURS
from ..errors import DataError
from ..evaluation.comparison import compare_records, p_in_words
from ..evaluation.people import people
from ..evaluation.record import EvaluationRecord
from ..evaluation.scoring import test_uses
from ..evaluation.slices import slices
from ..metrics.bootstrap import figure_intervals
from ..metrics.calibration import (
    coverage_curve,
    expected_calibration_error,
    recalibrated,
    reliability,
    selective_accuracy,
)
from ..metrics.classification import Evaluation, evaluate, top_k_accuracy
from ..metrics.confusions import confusions
from ..metrics.curves import Curve, curves
from ..metrics.interval import Proportion
from .page import render
from .plots import Line, interval_bar, share_plot

_FACES = 24
_SLICES = 10
_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
_GREY, _ORANGE = "#8C8C8C", "#E69F00"


def evaluation_report(
    record: EvaluationRecord,
    dataset: Dataset | None,
    others: Sequence[EvaluationRecord] = (),
    command: str = "",
) -> str:
    """Render the report as HTML.

    Args:
        dataset: The images; None leaves the faces out.
        others: Records of other models on the same images.
        command: Command to make the report again.

    Raises:
        DataError: The record is empty, or the data set or the other records are of other images.
        ModelError: The others have different classes.
    """
    if not len(record):
        raise DataError(
            f"{record.model} has answered no image of {record.source} ({record.split}): there is nothing "
            "to report."
        )
    indices = None if dataset is None else _indices(record, dataset)
    result = evaluate(record.probabilities, record.true, record.labels, leaked=record.leaked)
    top_two = Proportion(
        round(top_k_accuracy(record.probabilities, record.true, 2) * len(record)), len(record)
    )
    return render(
        "evaluation.html.j2",
        title=f"{record.model} on {record.split} of {record.source}",
        record=record,
        result=result,
        clean=result.without_leaked if result.leaked else None,
        two=top_two,
        truth="the FER+ majority, on the images that have one"
        if record.truth == "votes"
        else "the labels of the data",
        uses=test_uses(record.fingerprint) if record.split == "test" else None,
        macro_f1=figure_intervals(result.confusion_matrix).macro_f1,
        matrix=_matrix(result),
        classes=_classes(result),
        confusions=confusions(result.confusion_matrix, record.labels),
        curves=_curves(record),
        trust=_trust(record),
        slices=_slices(record, result),
        notes=() if dataset is None else dataset.warnings,
        people=_people(record, dataset, indices),
        comparisons=_comparisons(record, result, others),
        errors=[] if dataset is None else _errors(record, dataset, indices),
        command=command,
    )


def _indices(record: EvaluationRecord, dataset: Dataset) -> np.ndarray:
    """Return the positions of the record's images in the data, (n,)."""
    if dataset.fingerprint != record.fingerprint:
        raise DataError(
            f"{record.model} answered images of {record.source} (fingerprint {record.fingerprint}), but "
            f"{dataset.source} has the fingerprint "
            f"{dataset.fingerprint}: take the same data, or leave the images out."
        )
    place = {int(row): i for i, row in enumerate(dataset.rows)}
    return np.array([place[int(row)] for row in record.rows], np.int64)


def _matrix(result: Evaluation) -> list[dict[str, Any]]:
    counts = result.confusion_matrix
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [
        {
            "name": name,
            "cells": [
                {"count": int(n), "share": float(s), "right": i == j}
                for j, (n, s) in enumerate(zip(counts[i], shares[i], strict=True))
            ],
        }
        for i, name in enumerate(result.labels)
    ]


def _classes(result: Evaluation) -> list[dict[str, Any]]:
    intervals = figure_intervals(result.confusion_matrix)
    rows = []
    for i, (name, figures) in enumerate(result.per_class.items()):
        colour = COLOURS.get(name, _GREY)
        entries = []
        for kind in ("precision", "recall", "f1"):
            low, high = getattr(intervals, kind)[i]
            value = getattr(figures, kind)
            entries.append(
                {"value": value, "low": low, "high": high, "bar": interval_bar(value, (low, high), colour)}
            )
        rows.append({"name": name, "support": figures.support, "figures": entries})
    return rows


def _line(curve: Curve, colour: str) -> Line:
    kept = curve.to_draw(100)
    return Line(curve.x[kept], curve.y[kept], colour)


def _curves(record: EvaluationRecord) -> dict[str, Any]:
    result = curves(record.probabilities, record.true, record.labels)
    cells = []
    for roc, precision_recall in zip(result.roc, result.precision_recall, strict=True):
        colour = COLOURS.get(roc.label, _GREY)
        cells.append(
            {
                "name": roc.label,
                "auc": roc.area,
                "average_precision": precision_recall.area,
                "roc": share_plot(
                    [_line(roc, colour)],
                    "false positive rate",
                    "recall",
                    f"ROC curve of {roc.label}",
                    (230, 200),
                    diagonal=True,
                ),
                "precision_recall": share_plot(
                    [_line(precision_recall, colour)],
                    "recall",
                    "precision",
                    f"Precision and recall of {roc.label}",
                    (230, 200),
                ),
            }
        )
    return {
        "cells": cells,
        "left_out": result.left_out,
        "macro_auc": result.macro_auc,
        "mean_average_precision": result.mean_average_precision,
    }


def _trust(record: EvaluationRecord) -> dict[str, Any]:
    probabilities, true = record.probabilities, record.true
    scaled = recalibrated(probabilities, true)
    sets = (
        ("as the model answers", probabilities, "var(--accent)"),
        (f"with a temperature of {scaled.temperature:.2f}", scaled.after, _ORANGE),
    )
    lines = []
    for name, values, colour in sets:
        bins = reliability(values, true)
        lines.append(
            Line(
                [b.confidence for b in bins],
                [b.right.share for b in bins],
                colour,
                name,
                [b.right.interval for b in bins],
                dots=True,
            )
        )
    answers = coverage_curve(probabilities, true)
    ends = [a.right.interval for a in answers]
    lowest = min(
        (low for a, (low, _) in zip(answers, ends, strict=True) if a.answered.share > 0.02), default=0.0
    )
    line = Line([a.answered.share for a in answers], [a.right.share for a in answers], intervals=ends)
    return {
        "reliability": share_plot(lines, "confidence", "accuracy", "Accuracy over confidence", diagonal=True),
        "lines": lines,
        "coverage": share_plot(
            [line],
            "faces answered",
            "accuracy of these",
            "Accuracy of the answered faces",
            lowest=np.floor(10 * lowest) / 10,
        ),
        "before": expected_calibration_error(probabilities, true),
        "after": expected_calibration_error(scaled.after, true),
        "scaled": scaled,
        "thresholds": [selective_accuracy(probabilities, true, threshold) for threshold in _THRESHOLDS],
    }


def _slices(record: EvaluationRecord, result: Evaluation) -> dict[str, Any]:
    worst = slices(
        record.probabilities,
        record.true,
        brightness=record.brightness,
        contrast=record.contrast,
        sharpness=record.sharpness,
        votes=record.votes,
    )
    rows = [
        {
            "slice": part,
            "bar": interval_bar(
                part.right.share,
                part.right.interval,
                _ORANGE if part.worse else "var(--accent)",
                result.accuracy,
            ),
        }
        for part in worst.slices[:_SLICES]
    ]
    return {
        "rows": rows,
        "count": len(worst.slices),
        "left_out": worst.left_out,
        "worse": [part for part in worst.slices if part.worse],
    }


def _people(
    record: EvaluationRecord, dataset: Dataset | None, indices: np.ndarray | None
) -> dict[str, Any] | None:
    """Return None without votes, or if the labels are unknown."""
    if record.votes is None or (record.truth == "votes" and dataset is None):
        return None
    labels = (
        record.true
        if dataset is None or record.truth == "labels"
        else dataset.labels[indices].astype(np.int64)
    )
    result = people(record.probabilities, labels, record.votes, record.labels)
    rows = [
        ("voters and labels", result.voters_with_label),
        (f"{record.model} and labels", result.model_with_label),
        (f"{record.model} and voters", result.model_with_voters),
    ]
    return {
        "result": result,
        "agreed": int(result.agreed.sum()),
        "rows": [{"name": n, "part": p, "bar": interval_bar(p.share, p.interval)} for n, p in rows],
    }


def _comparisons(
    record: EvaluationRecord, result: Evaluation, others: Sequence[EvaluationRecord]
) -> list[dict[str, Any]]:
    rows = []
    for other in others:
        comparison = compare_records(record, other, len(others))
        part = Proportion(round(comparison.accuracy_b * comparison.count), comparison.count)
        rows.append(
            {
                "name": other.model,
                "part": part,
                "comparison": comparison,
                "p": p_in_words(comparison.p_value),
                "sentence": comparison.sentence(record.model, other.model),
                "bar": interval_bar(part.share, part.interval, reference=result.accuracy),
            }
        )
    return rows


def _errors(record: EvaluationRecord, dataset: Dataset, indices: np.ndarray | None) -> list[dict[str, Any]]:
    """Return the most confident errors as faces."""
    assert indices is not None
    wrong = np.flatnonzero(record.predicted != record.true)
    wrong = wrong[np.argsort(-record.confidence[wrong], kind="stable")][:_FACES]
    return [
        {
            "image": np.asarray(dataset.images[indices[i]]),
            "label": record.labels[record.true[i]],
            "note": f"→ {record.labels[record.predicted[i]]} {record.confidence[i]:.0%}",
        }
        for i in wrong
    ]
