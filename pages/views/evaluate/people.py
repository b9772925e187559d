"""People: agreement of FER+ votes, model and labels, and a quiz."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.evaluation.people import People, people
from fer_core.evaluation.record import EvaluationRecord
from fer_core.wording import plural
from pages.session.foreign_text import plain
from pages.widgets import charts, class_matrix
from pages.widgets.class_matrix import Place
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus, interval_chart

from . import clicked_point, face_list, plots, quiz
from .selection import Selection

_CELL = "evaluate_people_cell"


def show(selection: Selection) -> None:
    """Draw the view."""
    if quiz.under_way(selection):
        st.subheader("Quiz")
        quiz.show(selection)
        return
    record = selection.record
    labels = _labels(selection)
    if record.votes is None:
        st.info(
            "There are no FER+ votes for these images; the Votes view of the Dataset page explains where "
            "to get them. The quiz below works without votes.",
            icon=":material/how_to_vote:",
        )
    elif labels is None:
        st.info(
            "The votes are the truth; the labels come with the images, which are not available here: choose "
            "“FER2013 labels” above to see both.",
            icon=":material/how_to_vote:",
        )
    else:
        agreement = _people(record, labels, selection.key)
        _agreement(agreement, record)
        _sides(agreement, record)
        _matrix(selection, agreement, labels)
        _distances(selection, agreement)
    st.subheader("And you?")
    quiz.show(selection)


def _labels(selection: Selection) -> np.ndarray | None:
    """Return the labels of the data (n,), also where the votes are the truth."""
    if selection.record.truth == "labels":
        return selection.record.true
    return (
        None
        if selection.data is None or selection.indices is None
        else selection.data.labels[selection.indices].astype(np.int64)
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _people(_record: EvaluationRecord, _labels: np.ndarray, key: str) -> People:
    assert _record.votes is not None
    return people(_record.probabilities, _labels, _record.votes, _record.labels)


def _agreement(agreement: People, record: EvaluationRecord) -> None:
    agreed = int(agreement.agreed.sum())
    st.subheader("Who agrees with whom")
    rows = [
        ("Votes and labels", agreement.voters_with_label),
        (f"{record.model} and labels", agreement.model_with_label),
        (f"{record.model} and votes", agreement.model_with_voters),
    ]
    style = MarkerStyle("agreement", charts.truth_colours()["labels"])
    chart = [
        Row(
            name,
            format_plus_minus(part.share, part.interval),
            (Point(style, part.share, part.interval, plural(part.count, "image")),),
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
        f"Measured on the {agreed:,} of {len(record):,} images with a class that has more than half of the "
        "votes. Where votes and labels differ, no model can be right about both."
    )


def _sides(agreement: People, record: EvaluationRecord) -> None:
    st.subheader("Where label and votes differ")
    if not len(agreement.disputed):
        st.caption("They agree on all images.")
        return
    st.markdown(
        f"For {plural(len(agreement.disputed), 'image')}, most votes are for another class than the label. "
        f"On these images {plain(record.model)} agrees with"
    )
    style = MarkerStyle("share", charts.truth_colours()["votes"])
    chart = [
        Row(name, format_plus_minus(part.share, part.interval), (Point(style, part.share, part.interval),))
        for name, part in agreement.sides.items()
    ]
    st.plotly_chart(
        interval_chart(chart),
        config=charts.CONFIG,
        key="evaluate_sides",
        alt="; ".join(f"with {name}: {part}" for name, part in agreement.sides.items()),
    )
    if agreement.shared_errors.count:
        low, high = agreement.shared_errors.interval
        st.markdown(
            f"For **{agreement.shared_errors.share:.0%}** of the {agreement.shared_errors.count:,} errors of "
            f"{plain(record.model)} against the labels (95% interval {low:.0%} to {high:.0%}), most votes "
            "are for the predicted class: there the label may be wrong."
        )


def _matrix(selection: Selection, agreement: People, labels: np.ndarray) -> None:
    st.subheader("Labels against votes")
    counts, names = agreement.matrix, agreement.labels
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    place: Place | None = st.session_state.get(_CELL)
    left, right = st.columns([1, 1], gap="large")
    with left:
        class_matrix.show(
            shares,
            names,
            class_matrix.Titles(
                "Labels (rows) against the majority of the votes (columns)", "label", "votes"
            ),
            "evaluate_people_matrix",
            shown=[[f"{n:,}" for n in row] for row in counts],
            labels=[
                [
                    f"label {r}, votes {c}: {counts[i, j]:,}, {shares[i, j]:.0%} of {r}"
                    for j, c in enumerate(names)
                ]
                for i, r in enumerate(names)
            ],
            chosen=place,
            on_choose=_choose,
        )
        st.caption("Labels in rows, the majority of the votes in columns. Click a cell to see its faces.")
    with right:
        if place is None:
            st.markdown("##### Label and votes differ")
            order = agreement.disputed
        else:
            row, column = place
            words = [f"label {names[row]}"] * (row >= 0) + [f"votes {names[column]}"] * (column >= 0)
            st.markdown(f"##### {plain(', '.join(words).capitalize())}")
            matches = (
                agreement.agreed
                & ((row < 0) | (labels == row))
                & ((column < 0) | (agreement.majority == column))
            )
            order = np.flatnonzero(matches)
        order = order[np.argsort(-selection.record.confidence[order], kind="stable")]
        face_list.show(
            selection,
            order,
            "evaluate_people_faces",
            [_notes(selection.record, agreement, labels, i) for i in order],
        )


def _choose(place: Place | None) -> None:
    st.session_state[_CELL] = place


def _notes(record: EvaluationRecord, agreement: People, labels: np.ndarray, position: int) -> tuple[str, ...]:
    names = agreement.labels
    majority = agreement.majority[position]
    return (
        ""
        if record.truth == "labels"
        else f"label {names[labels[position]]}",  # otherwise the caption of the face shows it
        f"votes {names[majority] if majority >= 0 else 'split'}",
        f"→ {names[record.predicted[position]]} {record.confidence[position]:.0%}",
    )


def _distances(selection: Selection, agreement: People) -> None:
    st.subheader("Uncertain where people are uncertain?")
    voted = np.flatnonzero(~np.isnan(agreement.distance))
    if not len(voted):
        return
    distance = agreement.distance[voted]
    clicked = clicked_point.show(
        plots.histogram(distance, "Jensen-Shannon distance", 0.05),
        selection,
        "evaluate_distances",
        f"Histogram of the distance between votes and probabilities, {distance.mean():.2f} on average",
    )
    st.caption(
        "Distance between the predicted probabilities and the shares of the votes for each image: 0 means "
        f"equal, 1 means no overlap. Mean {distance.mean():.2f}; mean cosine similarity "
        f"{np.nanmean(agreement.cosine):.2f} (1 means equal). Click a bar to see its faces."
    )
    low, high = clicked or (0.0, 1.0)
    if clicked:
        st.markdown(f"##### Distance from {low:.2f} to {high:.2f}")
    if clicked or st.toggle("Faces with the largest distance", key="evaluate_far_apart"):
        within = voted[(distance >= low) & ((distance < high) | (high >= 1))]
        order = within[np.argsort(-agreement.distance[within], kind="stable")]
        names, record = agreement.labels, selection.record
        notes = [
            (
                f"→ {names[record.predicted[i]]} {record.confidence[i]:.0%}",
                f"votes {names[agreement.majority[i]] if agreement.majority[i] >= 0 else 'split'}",
                f"distance {agreement.distance[i]:.2f}",
            )
            for i in order
        ]
        face_list.show(selection, order, "evaluate_far_faces", notes)
