"""The confusion matrix, and the faces behind a cell, a row or a column. `?cell=happy-sad` names a cell, `happy-*` a row."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.evaluation.metrics import confusion
from fer_core.evaluation.record import EvaluationRecord
from pages.shared import matrix, state
from pages.shared.matrix import Place

from . import face_list
from .chosen import Chosen, record_of

CELL = "cell"
_ALL = "*"
COUNTS, BY_ROW, BY_COLUMN, DIFFERENCE = "Counts", "By row", "By column", "Difference to"
_TITLES = matrix.Titles("Confusion matrix: rows are true labels, columns predicted ones", "true", "predicted")


def show(chosen: Chosen) -> None:
    """The view."""
    place = _asked(chosen.record.labels)
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
        _matrix(chosen, mode, place)
        st.caption(
            "Click a cell, or the name of a row or column, to see its faces. Keys: Tab, the arrows, Enter."
        )
    with right:
        _faces(chosen, place)


def _asked(labels: tuple[str, ...]) -> Place | None:
    """The cell of the address."""
    true, dash, predicted = st.query_params.get(CELL, "").partition("-")
    known = [*labels, _ALL]
    if not dash or true not in known or predicted not in known or true == predicted == _ALL:
        return None
    return (-1 if true == _ALL else labels.index(true), -1 if predicted == _ALL else labels.index(predicted))


def _matrix(chosen: Chosen, mode: str, place: Place | None) -> None:
    record, names = chosen.record, chosen.record.labels
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
            f"true {true}, predicted {predicted}: {counts[r, c]:,} {'face' if counts[r, c] == 1 else 'faces'}, {of_row[r, c]:.1%} of true {true}, "
            f"{of_column[r, c]:.1%} of predicted {predicted}"
            for c, predicted in enumerate(names)
        ]
        for r, true in enumerate(names)
    ]
    if mode == DIFFERENCE:
        other = _other(chosen)
        if other is None:
            return
        theirs = confusion(other.true, other.predicted, len(names))
        difference = counts - theirs
        values = difference / max(1, np.abs(difference).max())
        shown = [[f"{n:+,}" if n else "0" for n in row] for row in difference]
        labels = [
            [
                f"{label}; {difference[r, c]:+,} against {other.model}, which has {theirs[r, c]:,}"
                for c, label in enumerate(row)
            ]
            for r, row in enumerate(labels)
        ]
    matrix.show(
        values,
        names,
        _TITLES,
        "evaluate_matrix",
        shown=shown,
        labels=labels,
        chosen=place,
        on_choose=lambda at: _choose(names, at),
    )
    if mode == DIFFERENCE:
        st.caption(
            f"Faces of {record.model} minus those of {other.model}. On the diagonal more is better, off it fewer."
        )


def _other(chosen: Chosen) -> EvaluationRecord | None:
    """The answers of the model to compare with."""
    others = {path: name for path, name in state.models().items() if path != str(chosen.bundle.path)}
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
    return record_of(chosen, state.bundle_at(path))


def _choose(names: tuple[str, ...], place: Place | None) -> None:
    if place is None:
        st.query_params.pop(CELL, None)
    else:
        st.query_params[CELL] = "-".join(_ALL if i < 0 else names[i] for i in place)


def _faces(chosen: Chosen, place: Place | None) -> None:
    record, names = chosen.record, chosen.record.labels
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
        here = right == (verdict == "Right")
    else:
        row, column = place
        words = [f"true {names[row]}"] * (row >= 0) + [f"predicted {names[column]}"] * (column >= 0)
        st.markdown(f"##### {', '.join(words).capitalize()}")
        here = np.ones(len(record), bool)
        if row >= 0:
            here &= record.true == row
        if column >= 0:
            here &= record.predicted == column
        if row < 0 or column < 0:
            st.caption(f"{int((here & right).sum()):,} right, {int((here & ~right).sum()):,} wrong")
    order = np.flatnonzero(here)
    unsure_first = st.toggle("Least sure first", key="evaluate_unsure_first", persist_state="session")
    order = order[
        np.argsort(record.confidence[order] if unsure_first else -record.confidence[order], kind="stable")
    ]
    face_list.show(chosen, order, "evaluate_faces")
