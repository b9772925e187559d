"""Compare: is another model better on the same images, or is the difference noise?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.errors import FerError
from fer_core.evaluation.comparison import Comparison, by_names, compare_records, p_in_words
from fer_core.evaluation.interval import Proportion
from fer_core.evaluation.metrics import confusion
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.scoring import test_uses
from pages.shared import matrix, state
from pages.shared.matrix import Place

from . import face_list
from .chosen import Chosen, record_of

_OTHERS, _WITH = "evaluate_others", "evaluate_with"


@dataclass(frozen=True)
class _Rival:
    """Another model and its answers on the same images, columns as the chosen model's."""

    path: str
    bundle: Bundle
    record: EvaluationRecord
    probabilities: np.ndarray  # (n, C)
    found: Comparison

    @property
    def name(self) -> str:
        return self.record.model


def show(chosen: Chosen) -> None:
    """The view."""
    others = {path: name for path, name in state.models().items() if path != str(chosen.bundle.path)}
    if not others:
        st.info("There is no other model yet: train one on the Train page.", icon=":material/rocket_launch:")
        return
    kept = [path for path in st.session_state.get(_OTHERS, list(others)[:1]) if path in others]
    st.session_state[_OTHERS] = kept
    paths = st.multiselect(
        f"Compare {chosen.record.model} with",
        list(others),
        format_func=others.__getitem__,
        key=_OTHERS,
        persist_state="session",
        placeholder="Choose one or more models",
    )
    rivals = [rival for path in paths if (rival := _rival(chosen, path, len(paths))) is not None]
    if not rivals:
        st.caption("Every model answers the same images, so that luck with the images counts for all alike.")
        return
    _table(chosen, rivals)
    for rival in rivals:
        st.markdown(f"- {rival.found.sentence(chosen.record.model, rival.name)}")
    _explain(chosen, rivals)
    one = rivals[0]
    if len(rivals) > 1:
        names = {rival.path: rival.name for rival in rivals}
        if st.session_state.get(_WITH) not in names:
            st.session_state[_WITH] = rivals[0].path
        path = st.selectbox(
            "Look closer at", list(names), format_func=names.__getitem__, key=_WITH, persist_state="session"
        )
        one = next(rival for rival in rivals if rival.path == path)
    st.subheader(f"Where {chosen.record.model} and {one.name} differ")
    left, right = st.columns([1, 1], gap="large")
    with left:
        _difference(chosen, one)
    with right:
        _faces(chosen, one)


def _rival(chosen: Chosen, path: str, comparisons: int) -> _Rival | None:
    """The other model's answers; None, and a bar or a sentence, where there are none or they cannot be compared."""
    try:
        bundle = state.bundle_at(path)
        record = record_of(chosen, bundle)
        if record is None:
            return None
        found = _compared(
            chosen,
            record,
            chosen.key,
            record.model,
            path,
            bundle.inference_file.stat().st_mtime_ns,
            comparisons,
        )
        return _Rival(
            path, bundle, record, by_names(record.probabilities, record.labels, chosen.record.labels), found
        )
    except (FerError, OSError) as error:
        st.warning(str(error), icon=":material/info:")
        return None


@st.cache_resource(max_entries=24, show_spinner=False)
def _compared(
    _chosen: Chosen,
    _record: EvaluationRecord,
    key: str,
    model: str,
    path: str,
    changed: int,
    comparisons: int,
) -> Comparison:
    return compare_records(_chosen.record, _record, comparisons)


def _table(chosen: Chosen, rivals: list[_Rival]) -> None:
    result = chosen.result()
    rows = [
        {
            "Model": chosen.record.model,
            "Accuracy": 100 * result.accuracy,
            "95 % interval": _interval(result.accuracy_ci95),
        }
    ]
    for rival in rivals:
        found = rival.found
        accuracy = Proportion(round(found.accuracy_b * found.count), found.count)
        low, high = found.interval
        rows.append(
            {
                "Model": rival.name,
                "Accuracy": 100 * accuracy.share,
                "95 % interval": _interval(accuracy.interval),
                "Difference": 100 * found.difference,
                "its interval": f"{100 * low:+.1f} to {100 * high:+.1f}",
                "McNemar": p_in_words(found.p_value),
                "Verdict": "noise" if found.noise else "better" if found.difference > 0 else "worse",
            }
        )
    for row in rows:
        row["Test looks"] = test_uses(chosen.record.fingerprint, str(row["Model"]))
    config = {
        "Accuracy": st.column_config.NumberColumn(format="%.1f %%"),
        "Difference": st.column_config.NumberColumn(
            "Difference", format="%+.1f", help=f"Points against {chosen.record.model}."
        ),
        "McNemar": st.column_config.TextColumn(
            help="Exact test: how likely such a split of the images that one alone has right is by chance."
        ),
        "Test looks": st.column_config.NumberColumn(
            help="How often its test split was scored on this machine. Each look is one more chance to choose by it."
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


def _explain(chosen: Chosen, rivals: list[_Rival]) -> None:
    several = (
        f" With {len(rivals)} comparisons each must be that much surer (Bonferroni)."
        if len(rivals) > 1
        else ""
    )
    test = (
        " This is the test split: to choose between models, compare them on validation."
        if chosen.record.split == "test"
        else ""
    )
    st.caption(
        f"{len(chosen.record):,} images. Intervals of differences by paired bootstrap; more than noise means that the interval leaves out 0 "
        f"and McNemar's exact test gives p < 0.05.{several}{test}"
    )


def _difference(chosen: Chosen, rival: _Rival) -> None:
    names, true = chosen.record.labels, chosen.record.true
    mine = confusion(true, chosen.record.predicted, len(names))
    theirs = confusion(true, rival.probabilities.argmax(axis=1), len(names))
    difference = theirs - mine
    labels = [
        [
            f"true {t}, predicted {p}: {difference[r, c]:+,}; {theirs[r, c]:,} by {rival.name}, {mine[r, c]:,} by {chosen.record.model}"
            for c, p in enumerate(names)
        ]
        for r, t in enumerate(names)
    ]
    matrix.show(
        difference / max(1, int(np.abs(difference).max())),
        names,
        matrix.Titles("Difference of confusion matrices", "true", "predicted"),
        "evaluate_compare_matrix",
        shown=[[f"{n:+,}" if n else "0" for n in row] for row in difference],
        labels=labels,
        chosen=_cell(names),
        on_choose=_choose,
    )
    st.caption(
        f"{rival.name} minus {chosen.record.model}. On the diagonal more is better, off it fewer. Click a cell to see only its faces."
    )


_CELL = "evaluate_compare_cell"


def _cell(names: tuple[str, ...]) -> Place | None:
    place = st.session_state.get(_CELL)
    return place if place is not None and max(place) < len(names) else None


def _choose(place: Place | None) -> None:
    st.session_state[_CELL] = place


def _faces(chosen: Chosen, rival: _Rival) -> None:
    a, b, found = chosen.record.model, rival.name, rival.found
    lists = {
        f"Only {a} right": found.only_a,
        f"Only {b} right": found.only_b,
        "Both wrong, differently": found.both_wrong_differently,
    }
    which = st.pills(
        "Faces",
        list(lists),
        default=f"Only {b} right",
        required=True,
        key=f"evaluate_differ_{a}_{b}",
        format_func=lambda name: f"{name} ({len(lists[name]):,})",
        label_visibility="collapsed",
        wrap=True,
    )
    order = lists[which]
    labels, said_a, said_b = chosen.record.labels, chosen.record.predicted, rival.probabilities.argmax(axis=1)
    if (place := _cell(labels)) is not None:
        row, column = place
        words = [f"true {labels[row]}"] * (row >= 0) + [f"predicted {labels[column]} by one of them"] * (
            column >= 0
        )
        st.caption(f"Only {', '.join(words)}. Click the cell again to see all.")
        order = order[chosen.record.true[order] == row] if row >= 0 else order
        order = order[(said_a[order] == column) | (said_b[order] == column)] if column >= 0 else order
    sure_b = rival.probabilities.max(axis=1)
    order = order[np.argsort(-np.maximum(chosen.record.confidence[order], sure_b[order]), kind="stable")]
    notes = [
        (
            f"{a} → {labels[said_a[i]]} {chosen.record.confidence[i]:.0%}",
            f"{b} → {labels[said_b[i]]} {sure_b[i]:.0%}",
        )
        for i in order
    ]
    face_list.show(chosen, order, "evaluate_differ_faces", notes)
