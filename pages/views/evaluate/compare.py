"""Compare: is another model better on the same images, or is the difference noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.errors import FerError
from fer_core.evaluation.comparison import Comparison, by_names, compare_records, p_in_words
from fer_core.evaluation.predictions import Predictions
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import test_uses
from fer_core.metrics.classification import confusion
from fer_core.metrics.interval import Proportion
from fer_core.wording import plural
from pages.session import model_choice
from pages.session.foreign_text import plain
from pages.widgets import class_matrix
from pages.widgets.class_matrix import Place

from . import answers_upload, face_list
from .selection import Selection, record_of

_OTHERS, _WITH = "evaluate_others", "evaluate_with"


@dataclass(frozen=True)
class _Rival:
    """Another model and its predictions on the same images, columns in the order of the selected model."""

    path: str
    record: EvaluationRecord
    probabilities: np.ndarray  # (n, C)
    comparison: Comparison

    @property
    def name(self) -> str:
        return self.record.model


def show(selection: Selection) -> None:
    """Draw the view."""
    elsewhere = answers_upload.predictions(selection)
    if elsewhere is not None:
        selection = answers_upload.covered(selection, elsewhere)
    others = {
        path: name for path, name in model_choice.options().items() if path != str(selection.bundle.path)
    }
    if not others and elsewhere is None:
        st.info("There is no other model yet: train one on the Train page.", icon=":material/rocket_launch:")
        return
    chosen = [path for path in st.session_state.get(_OTHERS, list(others)[:1]) if path in others]
    st.session_state[_OTHERS] = chosen
    paths = st.multiselect(
        f"Compare {plain(selection.record.model)} with",
        list(others),
        format_func=others.__getitem__,
        key=_OTHERS,
        persist_state="session",
        placeholder="Choose one or more models",
    )
    count = len(paths) + (elsewhere is not None)
    rivals = [rival for path in paths if (rival := _rival(selection, path, count)) is not None]
    if elsewhere is not None:
        rivals.insert(0, _answers(selection, elsewhere, count))
    if not rivals:
        st.caption(
            "All models are measured on the same images, so that chance in the images affects all of them "
            "alike."
        )
        return
    _table(selection, rivals)
    for rival in rivals:
        st.markdown(f"- {plain(rival.comparison.sentence(selection.record.model, rival.name))}")
    _explain(selection, rivals)
    one = rivals[0]
    if len(rivals) > 1:
        names = {rival.path: rival.name for rival in rivals}
        if st.session_state.get(_WITH) not in names:
            st.session_state[_WITH] = rivals[0].path
        path = st.selectbox(
            "Details for", list(names), format_func=names.__getitem__, key=_WITH, persist_state="session"
        )
        one = next(rival for rival in rivals if rival.path == path)
    st.subheader(f"Where {plain(selection.record.model)} and {plain(one.name)} differ")
    left, right = st.columns([1, 1], gap="large")
    with left:
        _difference(selection, one)
    with right:
        _faces(selection, one)


def _rival(selection: Selection, path: str, comparisons: int) -> _Rival | None:
    """Return the other model's predictions, or draw why there are none and return None."""
    try:
        bundle = model_choice.bundle_at(path)
        record = record_of(selection, bundle)
        if record is None:
            return None
        record = record.only(np.isin(record.rows, selection.record.rows))
        comparison = _compared(
            selection,
            record,
            selection.key,
            record.model,
            path,
            bundle.inference_file.stat().st_mtime_ns,
            comparisons,
        )
        return _Rival(
            path,
            record,
            by_names(record.probabilities, record.labels, selection.record.labels),
            comparison,
        )
    except (FerError, OSError) as error:
        st.warning(plain(error), icon=":material/info:")
        return None


def _answers(selection: Selection, predictions: Predictions, comparisons: int) -> _Rival:
    """Return uploaded answers as a rival."""
    record = predictions.on(selection.record)
    comparison = compare_records(selection.record, record, comparisons)
    return _Rival("uploaded answers", record, record.probabilities, comparison)


@st.cache_resource(max_entries=24, show_spinner=False)
def _compared(
    _selection: Selection,
    _record: EvaluationRecord,
    key: str,
    model: str,
    path: str,
    modified: int,
    comparisons: int,
) -> Comparison:
    return compare_records(_selection.record, _record, comparisons)


def _table(selection: Selection, rivals: list[_Rival]) -> None:
    result = selection.result()
    rows = [
        {
            "Model": selection.record.model,
            "Accuracy": 100 * result.accuracy,
            "95% interval": _interval(result.accuracy_ci95),
        }
    ]
    for rival in rivals:
        comparison = rival.comparison
        accuracy = Proportion(round(comparison.accuracy_b * comparison.count), comparison.count)
        low, high = comparison.interval
        rows.append(
            {
                "Model": rival.name,
                "Accuracy": 100 * accuracy.share,
                "95% interval": _interval(accuracy.interval),
                "Difference": 100 * comparison.difference,
                "Its 95% interval": f"{100 * low:+.1f} to {100 * high:+.1f}",
                "McNemar": p_in_words(comparison.p_value),
                "Verdict": "noise"
                if comparison.noise
                else "better"
                if comparison.difference > 0
                else "worse",
            }
        )
    for row in rows:
        row["Test uses"] = test_uses(selection.record.fingerprint, str(row["Model"]))
    config = {
        "Accuracy": st.column_config.NumberColumn(format="%.1f%%"),
        "Difference": st.column_config.NumberColumn(
            "Difference", format="%+.1f", help=f"Points against {plain(selection.record.model)}."
        ),
        "McNemar": st.column_config.TextColumn(
            help="Exact McNemar test on the images that only one of the models gets right."
        ),
        "Test uses": st.column_config.NumberColumn(
            help="How often the model was scored on its test split on this machine. Each use is a chance to "
            "select on it."
        ),
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=config,
        placeholder="-",
        alt="Models on the same images",
    )


def _interval(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.1%} to {ends[1]:.1%}"


def _explain(selection: Selection, rivals: list[_Rival]) -> None:
    several = (
        f" With {len(rivals)} comparisons, the threshold of each is corrected (Bonferroni)."
        if len(rivals) > 1
        else ""
    )
    test = (
        " This is the test split: to choose between models, compare them on validation."
        if selection.record.split == "test"
        else ""
    )
    st.caption(
        f"{plural(len(selection.record), 'image')}. Intervals of differences by paired bootstrap. A "
        "difference counts as more than noise if its interval excludes 0 and McNemar's exact test gives "
        f"p < 0.05.{several}{test}"
    )


def _difference(selection: Selection, rival: _Rival) -> None:
    names, true = selection.record.labels, selection.record.true
    selected_counts = confusion(true, selection.record.predicted, len(names))
    rival_counts = confusion(true, rival.probabilities.argmax(axis=1), len(names))
    difference = rival_counts - selected_counts
    labels = [
        [
            f"true {t}, predicted {p}: {difference[r, c]:+,}; {rival_counts[r, c]:,} by {rival.name}, "
            f"{selected_counts[r, c]:,} by {selection.record.model}"
            for c, p in enumerate(names)
        ]
        for r, t in enumerate(names)
    ]
    class_matrix.show(
        class_matrix.improvement(difference),
        names,
        class_matrix.Titles("Difference of confusion matrices", "true", "predicted"),
        "evaluate_compare_matrix",
        shown=[[f"{n:+,}" if n else "0" for n in row] for row in difference],
        labels=labels,
        chosen=_cell(names),
        on_choose=_choose,
    )
    st.caption(
        f"{plain(rival.name)} minus {plain(selection.record.model)}. Blue: {plain(rival.name)} is better "
        "there, orange: worse. Click a cell to see only its faces."
    )


_CELL = "evaluate_compare_cell"


def _cell(names: tuple[str, ...]) -> Place | None:
    place = st.session_state.get(_CELL)
    return place if place is not None and max(place) < len(names) else None


def _choose(place: Place | None) -> None:
    st.session_state[_CELL] = place


def _faces(selection: Selection, rival: _Rival) -> None:
    a, b, comparison = selection.record.model, rival.name, rival.comparison
    lists = {
        f"Only {a} right": comparison.only_a,
        f"Only {b} right": comparison.only_b,
        "Both wrong, differently": comparison.both_wrong_differently,
    }
    which = st.pills(
        "Faces",
        list(lists),
        default=f"Only {b} right",
        required=True,
        key=f"evaluate_differ_{a}_{b}",
        format_func=lambda name: f"{plain(name)} ({len(lists[name]):,})",
        label_visibility="collapsed",
        wrap=True,
    )
    order = lists[which]
    labels, predicted_a, predicted_b = (
        selection.record.labels,
        selection.record.predicted,
        rival.probabilities.argmax(axis=1),
    )
    if (place := _cell(labels)) is not None:
        row, column = place
        words = [f"true {labels[row]}"] * (row >= 0) + [f"predicted {labels[column]} by one of them"] * (
            column >= 0
        )
        st.caption(f"Only {plain(', '.join(words))}. Click the cell again to see all.")
        order = order[selection.record.true[order] == row] if row >= 0 else order
        order = (
            order[(predicted_a[order] == column) | (predicted_b[order] == column)] if column >= 0 else order
        )
    sure_b = rival.probabilities.max(axis=1)
    order = order[np.argsort(-np.maximum(selection.record.confidence[order], sure_b[order]), kind="stable")]
    notes = [
        (
            f"{a} → {labels[predicted_a[i]]} {selection.record.confidence[i]:.0%}",
            f"{b} → {labels[predicted_b[i]]} {sure_b[i]:.0%}",
        )
        for i in order
    ]
    face_list.show(selection, order, "evaluate_differ_faces", notes)
