"""Matrix: the confusion matrix and the faces of a cell, row or column.

`?cell=happy-sad` in the address selects a cell, `?cell=happy-*` a row.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.evaluation.record import EvaluationRecord
from fer_core.metrics.classification import confusion
from fer_core.wording import plural
from pages.session import model_choice
from pages.session.foreign_text import plain
from pages.widgets import class_matrix
from pages.widgets.class_matrix import Place

from . import face_list
from .selection import Selection, record_of

CELL = "cell"
_ALL = "*"
COUNTS, BY_ROW, BY_COLUMN, DIFFERENCE = "Counts", "By row", "By column", "Difference to"
_TITLES = class_matrix.Titles(
    "Confusion matrix: rows are true labels, columns predicted ones", "true", "predicted"
)


def show(selection: Selection) -> None:
    """Draw the view."""
    place = _linked_cell(selection.record.labels)
    left, right = st.columns([6, 5], gap="medium")
    with left:
        mode = st.segmented_control(
            "Cells show",
            [COUNTS, BY_ROW, BY_COLUMN, DIFFERENCE],
            default=COUNTS,
            required=True,
            key="evaluate_cells",
            bind="query-params",
            persist_state="session",
            label_visibility="collapsed",
        )
        _matrix(selection, mode, place)
        st.caption(
            "Click a cell, or the name of a row or column, to see its faces. Keys: Tab, arrow keys, Enter."
        )
    with right:
        _faces(selection, place)


def _linked_cell(labels: tuple[str, ...]) -> Place | None:
    """Return the cell in the address."""
    true, dash, predicted = st.query_params.get(CELL, "").partition("-")
    names = [*labels, _ALL]
    if not dash or true not in names or predicted not in names or true == predicted == _ALL:
        return None
    return (-1 if true == _ALL else labels.index(true), -1 if predicted == _ALL else labels.index(predicted))


def _matrix(selection: Selection, mode: str, place: Place | None) -> None:
    record, names = selection.record, selection.record.labels
    counts = confusion(record.true, record.predicted, len(names))
    of_row, of_column = (
        counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        counts / np.maximum(counts.sum(axis=0, keepdims=True), 1),
    )
    values = of_column if mode == BY_COLUMN else of_row
    shown = (
        [[f"{n:,}" for n in row] for row in counts]
        if mode == COUNTS
        else [[f"{v:.0%}" for v in row] for row in values]
    )
    labels = [
        [
            f"true {true}, predicted {predicted}: {plural(int(counts[r, c]), 'face')}, {of_row[r, c]:.1%} of "
            f"true {true}, {of_column[r, c]:.1%} of predicted {predicted}"
            for c, predicted in enumerate(names)
        ]
        for r, true in enumerate(names)
    ]
    other = None
    if mode == DIFFERENCE:
        other = _other(selection)
        if other is None:
            return
        other_counts = confusion(other.true, other.predicted, len(names))
        difference = other_counts - counts
        values = class_matrix.improvement(difference)
        shown = [[f"{n:+,}" if n else "0" for n in row] for row in difference]
        labels = [
            [
                f"{label}; {other.model} has {other_counts[r, c]:,}, which is {difference[r, c]:+,}"
                for c, label in enumerate(row)
            ]
            for r, row in enumerate(labels)
        ]
    class_matrix.show(
        values,
        names,
        _TITLES,
        "evaluate_matrix",
        shown=shown,
        labels=labels,
        chosen=place,
        on_choose=lambda at: _choose(names, at),
    )
    if other is not None:
        st.caption(
            f"{plain(other.model)} minus {plain(record.model)}. Blue: {plain(other.model)} is better there, "
            "orange: worse."
        )


def _other(selection: Selection) -> EvaluationRecord | None:
    """Draw the box that chooses the model to compare with, and return its predictions."""
    others = {
        path: name for path, name in model_choice.options().items() if path != str(selection.bundle.path)
    }
    if not others:
        st.info("There is no other model yet: train one on the Train page.", icon=":material/rocket_launch:")
        return None
    path = st.selectbox(
        "Difference to",
        list(others),
        format_func=others.__getitem__,
        key="evaluate_other",
        persist_state="session",
    )
    return record_of(selection, model_choice.bundle_at(path))


def _choose(names: tuple[str, ...], place: Place | None) -> None:
    if place is None:
        st.query_params.pop(CELL, None)
    else:
        st.query_params[CELL] = "-".join(_ALL if i < 0 else names[i] for i in place)


def _faces(selection: Selection, place: Place | None) -> None:
    record, names = selection.record, selection.record.labels
    right = record.true == record.predicted
    if place is None:
        st.markdown("##### All faces")
        verdict = st.segmented_control(
            "Faces",
            ["Wrong", "Right"],
            default="Wrong",
            required=True,
            key="evaluate_verdict",
            persist_state="session",
            label_visibility="collapsed",
        )
        matches = right == (verdict == "Right")
    else:
        row, column = place
        words = [f"true {names[row]}"] * (row >= 0) + [f"predicted {names[column]}"] * (column >= 0)
        st.markdown(f"##### {plain(', '.join(words).capitalize())}")
        matches = np.ones(len(record), bool)
        if row >= 0:
            matches &= record.true == row
        if column >= 0:
            matches &= record.predicted == column
        if row < 0 or column < 0:
            st.caption(f"{int((matches & right).sum()):,} right, {int((matches & ~right).sum()):,} wrong")
    order = np.flatnonzero(matches)
    unsure_first = st.toggle("Least confident first", key="evaluate_unsure_first", persist_state="session")
    order = order[
        np.argsort(record.confidence[order] if unsure_first else -record.confidence[order], kind="stable")
    ]
    face_list.show(selection, order, "evaluate_faces")
