"""Slices: what kind of image a model does worse on, and these images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.data import Dataset
from fer_core.evaluation.face_size import face_sizes
from fer_core.evaluation.record import EvaluationRecord
from fer_core.evaluation.slices import Slice, Slices, slices
from fer_core.quality import kept
from pages.shared import background, charts, scoreboard
from pages.shared.interval_chart import Dot, Look, Row, around, interval_chart, percent

from . import face_list
from .chosen import Chosen

_CHART, _CHOICE = "evaluate_slices", "evaluate_slice"
_PER_SECOND = 150  # faces that the detector measures


def show(chosen: Chosen) -> None:
    """The view."""
    sizes = _face_sizes(chosen)
    found = _slices(chosen.record, sizes, chosen.key, sizes is not None)
    if not found.slices:
        st.info(
            "There are too few images here to tell kinds of them apart.", icon=":material/filter_alt_off:"
        )
        return
    worse = [one for one in found.slices if one.worse]
    st.markdown(_story(worse))
    names = [one.name for one in found.slices]
    if st.session_state.get(_CHOICE) not in names:
        st.session_state[_CHOICE] = names[0]
    left, right = st.columns([1, 1], gap="large")
    with left:
        _chart(chosen, found)
    with right:
        _one(chosen, found, names)
    with st.expander("As a table", icon=":material/table:"):
        _table(found)


def _story(worse: list[Slice]) -> str:
    tail = (
        "A slice counts as worse where its difference to the other images is more than chance would give once in 20 times over "
        "all slices together (Newcombe's interval, Bonferroni)."
    )
    if not worse:
        return f"**No kind of image is harder than the others by more than chance.** {tail}"
    named = "; ".join(
        f"{one.name}: {percent(one.right.share)} against {percent(one.rest.share)} of the others"
        for one in worse
    )
    return f"**Worse than the rest:** {named}. {tail}"


def _chart(chosen: Chosen, found: Slices) -> None:
    colours = scoreboard.colours()
    usual, worse = (
        Look("accuracy", colours["labels"]),
        Look("worse than the rest", colours["votes"], "diamond"),
    )
    rows = [
        Row(
            one.name,
            around(one.right.share, one.right.interval),
            (
                Dot(
                    worse if one.worse else usual,
                    one.right.share,
                    one.right.interval,
                    f"{one.right.count:,} images",
                ),
            ),
        )
        for one in found.slices
    ]
    figure = interval_chart(rows)
    figure.add_vline(x=chosen.result().accuracy, line={"color": "rgba(128,128,128,.7)", "dash": "dot"})
    figure.update_layout(clickmode="event+select")
    figure.update_traces(selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}})
    st.plotly_chart(
        figure,
        config=charts.CONFIG,
        key=_CHART,
        on_select=lambda: _clicked(found),
        selection_mode="points",
        alt="Accuracy by slice, worst first: " + "; ".join(f"{row.name} {row.figure}" for row in rows[:5]),
    )
    st.caption(
        "Worst first, with 95 % intervals; the dotted line is the accuracy over all images. Click a dot to see its faces."
    )
    for sentence in found.left_out:
        st.caption(sentence)


def _clicked(found: Slices) -> None:
    event: Any = st.session_state.get(_CHART) or {}
    for point in event.get("selection", {}).get("points", []):
        st.session_state[_CHOICE] = found.slices[int(point["y"])].name  # a row stands at its number


def _one(chosen: Chosen, found: Slices, names: list[str]) -> None:
    name = st.selectbox("Slice", names, key=_CHOICE, persist_state="session")
    one = found.slices[names.index(name)]
    low, high = one.right.interval
    st.markdown(
        f"**{percent(one.right.share)}** right on {one.right.count:,} images (95 % interval {low:.1%} to {high:.1%}), "
        f"{percent(one.rest.share)} on the other {one.rest.count:,}. The wrong ones come first."
    )
    right = chosen.record.true == chosen.record.predicted
    order = one.positions[np.lexsort((-chosen.record.confidence[one.positions], right[one.positions]))]
    face_list.show(chosen, order, "evaluate_slice_faces")


def _table(found: Slices) -> None:
    rows = [
        {
            "By": one.measure,
            "Slice": one.name,
            "Images": one.right.count,
            "Accuracy": 100 * one.right.share,
            "95 % interval": "{:.1%} to {:.1%}".format(*one.right.interval),
            "Others": 100 * one.rest.share,
            "Worse": one.worse,
        }
        for one in found.slices
    ]
    share = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"Accuracy": share, "Others": share},
        alt="All slices",
    )


def _face_sizes(chosen: Chosen) -> np.ndarray | None:
    """(n,) how much of the frame each face fills, where it was measured; else a button that measures it."""
    data, indices, split = chosen.data, chosen.indices, chosen.record.split
    if data is None or indices is None:
        st.caption("The size of the faces can only be measured where the images are.")
        return None
    task = f"face sizes {kept.key(data)} {split}"
    sizes = _kept_sizes(data, kept.key(data), split, background.result(task) is not None)
    if sizes is not None:
        return sizes[indices]
    if not background.under_way(task):
        count = len(data.indices(split))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Measure the size of the faces",
                key="evaluate_face_sizes",
                icon=":material/aspect_ratio:",
                on_click=lambda: background.start(
                    task, "Measuring faces", lambda tell: _measure(data, split, tell)
                ),
            )
            st.caption(
                f"How much of the frame a face fills, by a face detector. About {max(1, round(count / _PER_SECOND))} s, once.",
                width="stretch",
            )
    return None


def _measure(data: Dataset, split: str, tell: background.Tell) -> bool:
    here = data.indices(split)
    sizes = np.full(len(data), np.nan, np.float32)
    sizes[here] = face_sizes(data.images[here], tell)
    kept.store("face-sizes", data, {"sizes": sizes}, split)
    return True


@st.cache_resource(max_entries=6, show_spinner=False)
def _kept_sizes(_data: Dataset, key: str, split: str, measured: bool) -> np.ndarray | None:
    arrays = kept.load("face-sizes", _data, split)
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
