"""Photos: how often each model agrees with a person on photos that people took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.bundles.bundle import MODELS_DIR, PHOTO_MODEL, Bundle, find_bundle, shipped
from fer_core.bundles.card_values import as_dict, as_float, interval
from fer_core.errors import ModelError
from pages.widgets import charts, interval_chart
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus, percent

_FIVE = ("angry", "happy", "sad", "surprise", "neutral")


def show(_models: object) -> None:
    """Draw the chart and the table of the figures on photos."""
    rows = read_rows()
    if not rows:
        st.info("The figures on photos are not here.", icon=":material/info:")
        return
    st.markdown(
        "FER2013's pictures and labels differ from photos that people take. On 838 photos of "
        "416 people, each judged by one student, the chart shows how often a model agrees with the student. "
        "Disgust is left out, since its labels are nearly always wrong there."
    )
    style = MarkerStyle("agrees with the label, disgust left out", charts.truth_colours()["labels"])
    drawn = [
        Row(
            row["name"],
            format_plus_minus(row["without_disgust"], tuple(row["ci95"])),
            (Point(style, row["without_disgust"], tuple(row["ci95"]), row["command"]),),
        )
        for row in rows
    ]
    left, right = st.columns([6, 5], gap="medium")
    with left:
        interval_chart.show(drawn, "models_photos_chart", "Agreement on photos")
    with right:
        st.markdown(worse_on_fer2013())
        st.caption(
            "`photo` and `photo-tiny` learned their output layers from these photos; their figures come from "
            "cross-validation over people, so that nobody is in both parts. For the others a photo without a "
            "found face counts as wrong."
        )
    st.dataframe(_table(rows), hide_index=True, width="stretch")


def read_rows() -> list[dict[str, Any]]:
    """Return the rows, the best first: name, shares that are right, 95 % interval, command.

    Those of models that learned from the photos come from their cards, the others from models/photos.json
    (benchmarks/photos.py).
    """
    file = MODELS_DIR / "photos.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    rows += [row for bundle in shipped() if (row := _by_person(bundle))]
    return sorted(rows, key=lambda row: -row["without_disgust"])


def _by_person(bundle: Bundle) -> dict[str, Any] | None:
    """Return the row of a model that learned from the photos, None for others."""
    everything, trusted = (
        as_dict(as_dict(bundle.card, "figures"), part) for part in ("photos", "photos without disgust")
    )
    bounds = interval(trusted.get("accuracy_ci95"))
    if bounds is None:
        return None
    by_class = as_dict(trusted, "per_class")
    recall = {name: as_float(as_dict(by_class, name).get("recall")) or 0.0 for name in _FIVE}
    return {
        "name": f"{bundle.name}, by person",
        "all": everything.get("accuracy"),
        "without_disgust": trusted["accuracy"],
        "ci95": bounds,
        "mean_of_five": sum(recall.values()) / len(recall),
        "recall": recall,
        "command": "python -m fer_core adapt",
    }


def worse_on_fer2013() -> str:
    """Return why `photo` meets FER2013's labels less often, as Markdown; empty where figures are missing."""
    shares = []
    for name in (PHOTO_MODEL, "standard"):
        try:
            figures = as_dict(as_dict(find_bundle(name).card, "figures"), "test")
        except ModelError:
            return ""
        shares.append(as_float(figures.get("accuracy")))
    if None in shares:
        return ""
    photo, standard = (percent(share) for share in shares if share is not None)
    return (
        f"**On FER2013 itself it is the other way round**: `photo` meets {photo} of PrivateTest's labels, "
        f"`standard` {standard}. FER2013's labels call many resting faces sad or angry, and include fear and "
        "disgust; people who judge photos call resting faces neutral, and hardly ever say fear. A model can "
        "follow either, not both. So `photo` is the first choice on Predict, and `standard` on "
        "Evaluate."
    )


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": row["name"],
                "all": percent(row["all"]),
                "without disgust": percent(row["without_disgust"]),
                "mean of five": percent(row["mean_of_five"]),
                **{name: f"{row['recall'][name]:.0%}" for name in _FIVE},
            }
            for row in rows
        ]
    )
