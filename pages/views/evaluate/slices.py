"""Slices: kinds of images with lower accuracy, and their faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.data import Dataset
from fer_core.evaluation.face_size import face_sizes
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.slices import Slice, Slices, slices
from fer_core.quality import result_cache
from fer_core.wording import plural
from pages.session import background
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus, interval_chart, percent

from . import face_list
from .selection import Selection

_CHART, _CHOICE = "evaluate_slices", "evaluate_slice"
_PER_SECOND = 150  # faces measured by the detector


def show(selection: Selection) -> None:
    """Draw the view."""
    sizes = _face_sizes(selection)
    all_slices = _slices(selection.record, sizes, selection.key, sizes is not None)
    if not all_slices.slices:
        st.info("There are too few images to compare slices.", icon=":material/filter_alt_off:")
        return
    worse = [one for one in all_slices.slices if one.worse]
    st.markdown(_story(worse))
    names = [one.name for one in all_slices.slices]
    if st.session_state.get(_CHOICE) not in names:
        st.session_state[_CHOICE] = names[0]
    left, right = st.columns([1, 1], gap="large")
    with left:
        _chart(selection, all_slices)
    with right:
        _one(selection, all_slices, names)
    with st.expander("As a table", icon=":material/table:"):
        _table(all_slices)


def _story(worse: list[Slice]) -> str:
    tail = (
        "A slice counts as worse if its difference to the other images is significant at the 5% level over "
        "all slices together (Newcombe's interval, Bonferroni correction)."
    )
    if not worse:
        return f"**No slice is worse than the rest by more than chance.** {tail}"
    named = "; ".join(
        f"{plain(one.name)}: {percent(one.right.share)} against {percent(one.rest.share)} of the others"
        for one in worse
    )
    return f"**Worse than the rest:** {named}. {tail}"


def _chart(selection: Selection, all_slices: Slices) -> None:
    colours = charts.truth_colours()
    usual, worse = (
        MarkerStyle("accuracy", colours["labels"]),
        MarkerStyle("worse than the rest", colours["votes"], "diamond"),
    )
    rows = [
        Row(
            one.name,
            format_plus_minus(one.right.share, one.right.interval),
            (
                Point(
                    worse if one.worse else usual,
                    one.right.share,
                    one.right.interval,
                    plural(one.right.count, "image"),
                ),
            ),
        )
        for one in all_slices.slices
    ]
    figure = interval_chart(rows)
    figure.add_vline(x=selection.result().accuracy, line={"color": "rgba(128,128,128,.7)", "dash": "dot"})
    figure.update_layout(clickmode="event+select")
    figure.update_traces(selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}})
    st.plotly_chart(
        figure,
        config=charts.CONFIG,
        key=_CHART,
        on_select=lambda: _clicked(all_slices),
        selection_mode="points",
        alt="Accuracy by slice, worst first: " + "; ".join(f"{row.name} {row.figure}" for row in rows[:5]),
    )
    st.caption(
        "Worst first, with 95% intervals; the dotted line is the accuracy on all images. Click a dot to "
        "see its faces."
    )
    for sentence in all_slices.left_out:
        st.caption(plain(sentence))


def _clicked(all_slices: Slices) -> None:
    event: Any = st.session_state.get(_CHART) or {}
    for point in event.get("selection", {}).get("points", []):
        st.session_state[_CHOICE] = all_slices.slices[int(point["y"])].name  # the y of a row is its number


def _one(selection: Selection, all_slices: Slices, names: list[str]) -> None:
    name = st.selectbox("Slice", names, key=_CHOICE, persist_state="session")
    one = all_slices.slices[names.index(name)]
    low, high = one.right.interval
    st.markdown(
        f"**{percent(one.right.share)}** right on {plural(one.right.count, 'image')} (95% interval {low:.1%} "
        f"to {high:.1%}), {percent(one.rest.share)} on the other {one.rest.count:,}. Wrong predictions come "
        "first."
    )
    right = selection.record.true == selection.record.predicted
    order = one.positions[np.lexsort((-selection.record.confidence[one.positions], right[one.positions]))]
    face_list.show(selection, order, "evaluate_slice_faces")


def _table(all_slices: Slices) -> None:
    rows = [
        {
            "By": one.measure,
            "Slice": one.name,
            "Images": one.right.count,
            "Accuracy": 100 * one.right.share,
            "95% interval": "{:.1%} to {:.1%}".format(*one.right.interval),
            "Others": 100 * one.rest.share,
            "Worse": one.worse,
        }
        for one in all_slices.slices
    ]
    share = st.column_config.NumberColumn(format="%.1f%%")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"Accuracy": share, "Others": share},
        alt="All slices",
    )


def _face_sizes(selection: Selection) -> np.ndarray | None:
    """Return the share of the frame that each face fills (n,), or draw the button that measures it."""
    data, indices, split = selection.data, selection.indices, selection.record.split
    if data is None or indices is None:
        st.caption(
            "The size of the faces can only be measured with the images, which are not available here."
        )
        return None
    task = f"face sizes {result_cache.key(data)} {split}"
    sizes = _saved_sizes(data, result_cache.key(data), split, background.result(task) is not None)
    if sizes is not None:
        return sizes[indices]
    if not background.show_progress(task):
        count = len(data.indices(split))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Measure the size of the faces",
                key="evaluate_face_sizes",
                icon=":material/aspect_ratio:",
                on_click=lambda: background.start(
                    task, "Measuring faces", lambda on_progress: _measure(data, split, on_progress)
                ),
            )
            st.caption(
                "The share of the frame that a face fills, by a face detector. About "
                f"{max(1, round(count / _PER_SECOND))} s, once.",
                width="stretch",
            )
    return None


def _measure(data: Dataset, split: str, on_progress: background.OnProgress) -> bool:
    indices = data.indices(split)
    sizes = np.full(len(data), np.nan, np.float32)
    sizes[indices] = face_sizes(data.images[indices], on_progress)
    result_cache.store("face-sizes", data, {"sizes": sizes}, split)
    return True


@st.cache_resource(max_entries=6, show_spinner=False)
def _saved_sizes(_data: Dataset, key: str, split: str, measured: bool) -> np.ndarray | None:
    arrays = result_cache.load("face-sizes", _data, split)
    return None if arrays is None else arrays["sizes"]


@st.cache_resource(max_entries=6, show_spinner=False)
def _slices(_record: EvaluationRecord, _sizes: np.ndarray | None, key: str, with_sizes: bool) -> Slices:
    return slices(
        _record.probabilities,
        _record.true,
        brightness=_record.brightness,
        contrast=_record.contrast,
        sharpness=_record.sharpness,
        votes=_record.votes,
        face_size=_sizes,
    )
