"""Classes: precision, recall and F1 by class with intervals, confusions, ROC and PR curves."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from fer_core.emotions import EMOJI
from fer_core.evaluation.record import EvaluationRecord
from fer_core.metrics.bootstrap import FigureIntervals, figure_intervals
from fer_core.metrics.classification import Evaluation, top_k_accuracy
from fer_core.metrics.confusions import confusions
from fer_core.metrics.curves import Curves, curves
from fer_core.metrics.interval import Proportion
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts

from . import explanation, plots
from .selection import Selection


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
        _chart(
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
        _chart(
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


def _chart(lines: tuple, titles: tuple[str, str], area: str, key: str, chance: bool) -> None:
    if lines:
        st.plotly_chart(
            plots.class_curves(lines, titles, area, chance),
            config=charts.CONFIG,
            key=key,
            alt=f"{area} by class: " + ", ".join(f"{curve.label} {curve.area:.3f}" for curve in lines),
        )


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
            help=meaning, format="%.1f%%", min_value=0, max_value=100
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
