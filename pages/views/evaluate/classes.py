"""Classes: how well each is told apart from the rest, with intervals, and what it is taken for."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.emotions import EMOJI
from fer_core.evaluation.bootstrap import FigureIntervals, figure_intervals
from fer_core.evaluation.confusions import confusions
from fer_core.evaluation.curves import Curves, curves
from fer_core.evaluation.interval import Proportion
from fer_core.evaluation.metrics import Evaluation, top_k_accuracy
from fer_core.evaluation.record import EvaluationRecord
from pages.shared import charts, state

from . import plots, why
from .chosen import Chosen


def show(chosen: Chosen) -> None:
    """The view."""
    record, result = chosen.record, chosen.result()
    intervals, found = _intervals(result, chosen.key), _curves(record, chosen.key)
    two = top_k_accuracy(record.probabilities, record.true, 2)
    low, high = Proportion(round(two * len(record)), len(record)).interval
    st.markdown(
        f"Macro F1 **{result.macro_f1:.3f}** (95 % interval {intervals.macro_f1[0]:.3f} to {intervals.macro_f1[1]:.3f}). The true class is among "
        f"the two most probable ones on **{two:.1%}** of the images ({low:.1%} to {high:.1%}), and the most probable one on {result.accuracy:.1%}."
    )
    _table(result, intervals)
    st.caption(
        "95 % intervals by bootstrap over the images, 1,000 times. A class with few images has wide ones."
    )
    st.subheader("What is confused with what")
    told = confusions(result.confusion_matrix, result.labels)
    st.markdown("\n".join(f"- {sentence}" for sentence in told) or "Nothing: every image is right.")
    st.subheader("Each class against the rest")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**ROC curves**, mean area {_number(found.macro_auc)}")
        _chart(found.roc, ("wrong alarms", "recall"), "AUC", "evaluate_roc", chance=True)
        st.caption(
            "Area 0.5 is chance, 1 is perfect. It says how well the class is ranked before others, not how often it is chosen."
        )
    with right:
        st.markdown(
            f"**Precision and recall**, mean average precision {_number(found.mean_average_precision)}"
        )
        _chart(
            found.precision_recall, ("recall", "precision"), "AP", "evaluate_precision_recall", chance=False
        )
        st.caption(
            "By chance the average precision is the share of the class, so a rare class has a hard time here."
        )
    if found.left_out:
        st.caption(
            "Without curves: "
            + "; ".join(f"{name} ({reason})" for name, reason in found.left_out.items())
            + "."
        )
    st.subheader("Where it looks, by class")
    with state.errors_shown(stop=False):
        why.mean_maps(chosen)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _chart(found: tuple, titles: tuple[str, str], area: str, key: str, chance: bool) -> None:
    if found:
        st.plotly_chart(
            plots.class_curves(found, titles, area, chance),
            config=charts.CONFIG,
            key=key,
            alt=f"{area} by class: " + ", ".join(f"{curve.label} {curve.area:.3f}" for curve in found),
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
            row[f"{title} 95 %"] = f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f}"
        rows.append(row)
    config: dict[str, object] = {"Images": st.column_config.NumberColumn(format="localized", width=60)}
    for title, meaning in (
        ("Precision", "Of the images that were taken for this class, how many are of it."),
        ("Recall", "Of the images of this class, how many were found."),
        ("F1", "The harmonic mean of both."),
    ):
        config[title] = st.column_config.ProgressColumn(
            help=meaning, format="%.1f %%", min_value=0, max_value=100
        )
        config[f"{title} 95 %"] = st.column_config.TextColumn(
            "95 %", help=f"95 % interval of the {title.lower()}.", width=75
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
