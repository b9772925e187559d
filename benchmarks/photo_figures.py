"""The figures on real photos that the Models page shows: models/photos.json, a row for each model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fer_core.emotions import NAMES
from fer_core.metrics.classification import wilson_interval

FILE = Path(__file__).resolve().parent.parent / "models" / "photos.json"
FIVE = ("angry", "happy", "sad", "surprise", "neutral")


def record(name: str, true: np.ndarray, right: np.ndarray, made_by: str) -> None:
    """Write or replace the row of a model.

    Args:
        name: How the model is called.
        true: (N,) positions of the classes in `NAMES`.
        right: (N,) bool, which photos the model got right.
        made_by: The command that measured it.
    """
    rows = json.loads(FILE.read_text()) if FILE.is_file() else []
    trusted = right[true != NAMES.index("disgust")]
    recall = {kind: round(float(right[true == NAMES.index(kind)].mean()), 6) for kind in FIVE}
    row = {
        "name": name,
        "count": len(true),
        "all": round(float(right.mean()), 6),
        "without_disgust": round(float(trusted.mean()), 6),
        "ci95": [round(end, 6) for end in wilson_interval(int(trusted.sum()), len(trusted))],
        "mean_of_five": round(float(np.mean(list(recall.values()))), 6),
        "recall": recall,
        "command": made_by,
    }
    rows = [*(other for other in rows if other["name"] != name), row]
    rows.sort(key=lambda other: -other["without_disgust"])
    FILE.write_text(json.dumps(rows, indent=1) + "\n")
