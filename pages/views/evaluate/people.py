"""People: the FER+ voters beside the model and the labels, and your own eyes beside all three."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.evaluation.people import People, people
from fer_core.evaluation.record import EvaluationRecord
from pages.shared import charts, matrix, scoreboard
from pages.shared.interval_chart import Dot, Look, Row, around, interval_chart
from pages.shared.matrix import Place

from . import face_list, plots, quiz
from .chosen import Chosen

_CELL = "evaluate_people_cell"


def show(chosen: Chosen) -> None:
    """The view."""
    if quiz.under_way(chosen):
        st.subheader("Your own eyes")
        quiz.show(chosen)
        return
    record = chosen.record
    labels = _labels(chosen)
    if record.votes is None:
        st.info(
            "There are no FER+ votes for these images, so people cannot be asked; the Votes view of the Dataset page says where they "
            "come from. Your own eyes can be tried below.",
            icon=":material/how_to_vote:",
        )
    elif labels is None:
        st.info(
            "Here the voters are the truth, and the labels stand with the images, which are not here: choose “Labels” above to see both.",
            icon=":material/how_to_vote:",
        )
    else:
        found = _people(record, labels, chosen.key)
        _agreement(found, record)
        _sides(found, record)
        _matrix(chosen, found, labels)
        _distances(chosen, found)
    st.subheader("And you?")
    quiz.show(chosen)


def _labels(chosen: Chosen) -> np.ndarray | None:
    """(n,) the labels of the data, also where the voters are taken for the truth."""
    if chosen.record.truth == "labels":
        return chosen.record.true
    return (
        None
        if chosen.data is None or chosen.indices is None
        else chosen.data.labels[chosen.indices].astype(np.int64)
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _people(_record: EvaluationRecord, _labels: np.ndarray, key: str) -> People:
    assert _record.votes is not None
    return people(_record.probabilities, _labels, _record.votes, _record.labels)


def _agreement(found: People, record: EvaluationRecord) -> None:
    agreed = int(found.agreed.sum())
    st.subheader("Who agrees with whom")
    rows = [
        ("Voters and labels", found.voters_with_label),
        (f"{record.model} and labels", found.model_with_label),
        (f"{record.model} and voters", found.model_with_voters),
    ]
    look = Look("agreement", scoreboard.colours()["labels"])
    chart = [
        Row(
            name,
            around(part.share, part.interval),
            (Dot(look, part.share, part.interval, f"{part.count:,} images"),),
        )
        for name, part in rows
    ]
    st.plotly_chart(
        interval_chart(chart),
        config=charts.CONFIG,
        key="evaluate_agreement",
        alt="; ".join(f"{name} agree on {part}" for name, part in rows),
    )
    st.caption(
        f"On the {agreed:,} of {len(record):,} images on which more than half of the voters chose one of the classes. Where voters and labels "
        "disagree, a model cannot be right about both."
    )


def _sides(found: People, record: EvaluationRecord) -> None:
    st.subheader("Where label and voters differ")
    if not len(found.disputed):
        st.caption("They differ on no image here.")
        return
    st.markdown(
        f"On {len(found.disputed):,} images most voters chose another class than the label. There {record.model} sides with"
    )
    look = Look("share", scoreboard.colours()["votes"])
    chart = [
        Row(name, around(part.share, part.interval), (Dot(look, part.share, part.interval),))
        for name, part in found.sides.items()
    ]
    st.plotly_chart(
        interval_chart(chart),
        config=charts.CONFIG,
        key="evaluate_sides",
        alt="; ".join(f"with {name}: {part}" for name, part in found.sides.items()),
    )
    if found.shared_errors.count:
        low, high = found.shared_errors.interval
        st.markdown(
            f"Of the {found.shared_errors.count:,} errors that {record.model} makes against the labels, on **{found.shared_errors.share:.0%}** "
            f"(95 % interval {low:.0%} to {high:.0%}) most voters chose the very class that the model chose: there the label may be what is wrong."
        )


def _matrix(chosen: Chosen, found: People, labels: np.ndarray) -> None:
    st.subheader("What voters say of each label")
    counts, names = found.matrix, found.labels
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    place: Place | None = st.session_state.get(_CELL)
    left, right = st.columns([1, 1], gap="large")
    with left:
        matrix.show(
            shares,
            names,
            matrix.Titles("Labels (rows) against the majority of the voters (columns)", "label", "voters"),
            "evaluate_people_matrix",
            shown=[[f"{n:,}" for n in row] for row in counts],
            labels=[
                [
                    f"label {r}, voters {c}: {counts[i, j]:,}, {shares[i, j]:.0%} of {r}"
                    for j, c in enumerate(names)
                ]
                for i, r in enumerate(names)
            ],
            chosen=place,
            on_choose=_choose,
        )
        st.caption("Labels in rows, the majority of the voters in columns. Click a cell to see its faces.")
    with right:
        if place is None:
            st.markdown("##### Label and voters differ")
            order = found.disputed
        else:
            row, column = place
            words = [f"label {names[row]}"] * (row >= 0) + [f"voters {names[column]}"] * (column >= 0)
            st.markdown(f"##### {', '.join(words).capitalize()}")
            here = found.agreed & ((row < 0) | (labels == row)) & ((column < 0) | (found.majority == column))
            order = np.flatnonzero(here)
        order = order[np.argsort(-chosen.record.confidence[order], kind="stable")]
        face_list.show(
            chosen, order, "evaluate_people_faces", [_said(chosen.record, found, labels, i) for i in order]
        )


def _choose(place: Place | None) -> None:
    st.session_state[_CELL] = place


def _said(record: EvaluationRecord, found: People, labels: np.ndarray, position: int) -> tuple[str, ...]:
    names = found.labels
    majority = found.majority[position]
    return (
        ""
        if record.truth == "labels"
        else f"label {names[labels[position]]}",  # the face is called by what is true
        f"voters {names[majority] if majority >= 0 else 'split'}",
        f"→ {names[record.predicted[position]]} {record.confidence[position]:.0%}",
    )


def _distances(chosen: Chosen, found: People) -> None:
    st.subheader("Doubts where people doubt?")
    known = np.flatnonzero(~np.isnan(found.distance))
    if not len(known):
        return
    distance = found.distance[known]
    st.plotly_chart(
        plots.histogram(distance, "Jensen-Shannon distance", 0.05),
        config=charts.CONFIG,
        key="evaluate_distances",
        alt=f"Histogram of the distance between votes and probabilities, {distance.mean():.2f} on average",
    )
    st.caption(
        f"Distance between the model's probabilities and the shares of the votes of each image: 0 where they are the same, 1 where they have "
        f"nothing in common. Mean {distance.mean():.2f}; cosine similarity {np.nanmean(found.cosine):.2f} (1 is the same)."
    )
    if st.toggle("Faces on which they are furthest apart", key="evaluate_far_apart"):
        order = known[np.argsort(-distance, kind="stable")]
        names, record = found.labels, chosen.record
        notes = [
            (
                f"→ {names[record.predicted[i]]} {record.confidence[i]:.0%}",
                f"voters {names[found.majority[i]] if found.majority[i] >= 0 else 'split'}",
                f"{found.distance[i]:.2f} apart",
            )
            for i in order
        ]
        face_list.show(chosen, order, "evaluate_far_faces", notes)
