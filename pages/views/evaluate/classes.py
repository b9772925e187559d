"""Classes: precision, recall and F1 by class with intervals, confusions, ROC and PR curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.emotions import EMOJI
from fer_core.evaluation.record import EvaluationRecord
from fer_core.metrics.bootstrap import FigureIntervals, figure_intervals
from fer_core.metrics.classification import Evaluation, top_k_accuracy
from fer_core.metrics.confusions import confusions
from fer_core.metrics.curves import Curve, Curves, curves
from fer_core.metrics.interval import Proportion
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain

from . import clicked_point, explanation, face_list, plots
from .selection import Selection

_POINTS, _POINT = "evaluate_curve_points", "evaluate_curve_point"
_BAR_WIDTH = 96  # pixels, so that the table fits in a window of 1,024


def show(selection: Selection) -> None:
    """Draw the view."""
    record, result = selection.record, selection.result()
    intervals, class_curves = _intervals(result, selection.key), _curves(record, selection.key)
    two = top_k_accuracy(record.probabilities, record.true, 2)
    low, high = Proportion(round(two * len(record)), len(record)).interval
    st.markdown(
        f"Macro F1 **{result.macro_f1:.3f}** (95% interval {intervals.macro_f1[0]:.3f} to "
        f"{intervals.macro_f1[1]:.3f}). Top-2 accuracy **{two:.1%}** ({low:.1%} to {high:.1%}), top-1 "
        f"accuracy {result.accuracy:.1%}."
    )
    _table(result, intervals)
    st.caption(
        "95% intervals by bootstrap over the images, 1,000 resamples. A class with few images has wide ones."
    )
    st.subheader("Most frequent confusions")
    sentences = confusions(result.confusion_matrix, result.labels)
    st.markdown(
        "\n".join(f"- {plain(sentence)}" for sentence in sentences)
        or "None: all images are classified correctly."
    )
    st.subheader("Each class against the rest")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**ROC curves**, mean area {_number(class_curves.macro_auc)}")
        roc_point = _chart(
            selection,
            class_curves.roc,
            ("false positive rate", "true positive rate"),
            "AUC",
            "evaluate_roc",
            chance=True,
        )
        st.caption(
            "An area of 0.5 is chance, 1 is perfect. It shows how well the class is ranked, not how often "
            "it is predicted."
        )
    with right:
        st.markdown(
            f"**Precision and recall**, mean average precision {_number(class_curves.mean_average_precision)}"
        )
        precision_point = _chart(
            selection,
            class_curves.precision_recall,
            ("recall", "precision"),
            "AP",
            "evaluate_precision_recall",
            chance=False,
        )
        st.caption(
            "At chance level, the average precision is the share of the class, so it is lower for rare "
            "classes."
        )
    if class_curves.roc:
        st.caption("Click a curve to see the faces on the wrong side of that threshold.")
        _wrong_side(selection, roc_point, precision_point)
    if class_curves.left_out:
        st.caption(
            "Without curves: "
            + "; ".join(f"{plain(name)} ({plain(reason)})" for name, reason in class_curves.left_out.items())
            + "."
        )
    st.subheader("Where the model looks, by class")
    with errors_shown(stop=False):
        explanation.mean_maps(selection)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _chart(
    selection: Selection, lines: tuple[Curve, ...], titles: tuple[str, str], area: str, key: str, chance: bool
) -> list[Any] | None:
    """Draw the curves of all classes, and return class and threshold of the point that was clicked."""
    if not lines:
        return None
    alt = f"{area} by class: " + ", ".join(f"{curve.label} {curve.area:.3f}" for curve in lines)
    return clicked_point.show(plots.class_curves(lines, titles, area, chance), selection, key, alt)


def _wrong_side(selection: Selection, *clicked: list[Any] | None) -> None:
    """Draw the faces that a threshold puts on the wrong side, for the curve that was clicked last."""
    before: tuple[list[Any] | None, ...] = st.session_state.get(_POINTS, ())
    st.session_state[_POINTS] = clicked
    changed = [now for now, then in zip(clicked, before, strict=False) if now and now != then]
    point = changed[0] if changed else st.session_state.get(_POINT)
    if point not in clicked:  # of another evaluation, or no longer chosen
        point = next((now for now in clicked if now), None)
    st.session_state[_POINT] = point
    if point is None:
        return
    name, threshold = point
    record = selection.record
    scores = record.probabilities[:, record.labels.index(name)]
    of_class, above = record.true == record.labels.index(name), scores >= threshold
    groups = {"False positives": above & ~of_class, "Missed": ~above & of_class}
    st.markdown(f"##### {plain(name.capitalize())} from a probability of {min(threshold, 1):.0%}")
    group = st.segmented_control(
        "Faces",
        list(groups),
        format_func=lambda title: f"{plain(title)} ({int(groups[title].sum()):,})",
        default="False positives",
        required=True,
        key="evaluate_wrong_side",
    )
    assert group is not None  # required
    order = np.flatnonzero(groups[group])
    order = order[np.argsort(-scores[order] if group == "False positives" else scores[order], kind="stable")]
    notes = [(f"{name} {scores[i]:.0%}",) for i in order]
    face_list.show(selection, order, "evaluate_wrong_side_faces", notes)


def _table(result: Evaluation, intervals: FigureIntervals) -> None:
    rows = []
    for i, (name, figures) in enumerate(result.per_class.items()):
        row: dict[str, object] = {"Class": f"{EMOJI.get(name, '')} {name}", "Images": figures.support}
        for title, value, ends in (
            ("Precision", figures.precision, intervals.precision[i]),
            ("Recall", figures.recall, intervals.recall[i]),
            ("F1", figures.f1, intervals.f1[i]),
        ):
            row[title] = 100 * value
            row[f"{title} 95%"] = f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f}"
        rows.append(row)
    config: dict[str, Any] = {"Images": st.column_config.NumberColumn(format="localized", width=60)}
    for title, meaning in (
        ("Precision", "The share of the images predicted as this class that belong to it."),
        ("Recall", "The share of the images of this class that were predicted as it."),
        ("F1", "The harmonic mean of both."),
    ):
        config[title] = st.column_config.ProgressColumn(
            help=meaning, format="%.1f%%", min_value=0, max_value=100, width=_BAR_WIDTH
        )
        config[f"{title} 95%"] = st.column_config.TextColumn(
            "95%", help=f"95% interval of the {plain(title.lower())}.", width=75
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=config,
        alt="Precision, recall and F1 by class, with intervals",
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _intervals(_result: Evaluation, key: str) -> FigureIntervals:
    return figure_intervals(_result.confusion_matrix)


@st.cache_resource(max_entries=6, show_spinner=False)
def _curves(_record: EvaluationRecord, key: str) -> Curves:
    return curves(_record.probabilities, _record.true, _record.labels)
