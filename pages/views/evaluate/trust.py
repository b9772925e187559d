"""Trust: calibration of the confidence, and accuracy when the model may answer “unsure”."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.evaluation.comparison import by_names
from fer_core.metrics.calibration import (
    Recalibration,
    SelectiveAccuracy,
    coverage_curve,
    cross_entropy,
    expected_calibration_error,
    recalibrated,
    reliability,
    selective_accuracy,
)
from fer_core.wording import plural
from pages.session.foreign_text import plain
from pages.widgets import charts, threshold

from . import clicked_point, face_list, plots
from .selection import Selection, saved_evaluations


def show(selection: Selection) -> None:
    """Draw the view."""
    # computed again once validation has been evaluated
    recalibration = _recalibration(selection, f"{selection.key} {len(saved_evaluations(selection.bundle))}")
    st.subheader("Is the confidence calibrated?")
    _reliability(selection, recalibration)
    st.subheader("What if the model may answer “unsure”?")
    st.fragment(_threshold)(selection)


def _reliability(selection: Selection, recalibration: Recalibration) -> None:
    true, inside = selection.record.true, _inside(selection)
    sets = dict(
        zip(
            ("before", "after"),
            zip((recalibration.before, recalibration.after), plots.before_after(), strict=True),
            strict=True,
        )
    )
    names = {"before": "without temperature", "after": f"with temperature {recalibration.temperature:.2f}"}
    errors = {name: expected_calibration_error(values, true) for name, (values, _) in sets.items()}
    left, right = st.columns([3, 2], gap="large")
    with left:
        bins = {names[name]: (reliability(values, true), colour) for name, (values, colour) in sets.items()}
        clicked = clicked_point.show(
            plots.reliability(bins),
            selection,
            "evaluate_reliability",
            f"Accuracy over confidence; calibration error {errors['before']:.1%} before and "
            f"{errors['after']:.1%} after",
        )
    with right:
        with st.container(horizontal=True):
            for name, (values, _) in sets.items():
                st.metric(
                    "With temperature" if name == "after" else "Without",
                    f"{errors[name]:.1%}",
                    border=True,
                    width=160,
                    help=f"Calibration error {names[name]}; mean confidence {values.max(axis=1).mean():.1%}, "
                    f"accuracy {selection.result().accuracy:.1%}.",
                )
        st.caption("Calibration error: mean gap between confidence and accuracy, in 15 bins.")
        st.markdown(
            f"The temperature is **{recalibration.temperature:.2f}**, "
            f"{plain(recalibration.source)}. Values above "
            "1 lower the confidence, values below 1 raise it; the predicted class stays the same. It "
            f"minimises the cross-entropy ({cross_entropy(recalibration.before, true):.3f} without, "
            f"{cross_entropy(recalibration.after, true):.3f} with); the calibration error may change either "
            "way."
        )
        if inside is not None:
            st.caption("The model uses the temperature, which is part of it." + _fitted_here(selection))
        else:
            st.caption(
                "The model does not use the temperature. Models released by FER Explorer have it built in."
            )
    st.caption(
        "Dots on the dotted line are calibrated; below it, the model is overconfident. Bars are 95% "
        "intervals. Click a dot to see its faces."
    )
    if clicked:
        name, low, high = clicked[-3:]
        values = next(values for key, (values, _) in sets.items() if names[key] == name)
        _faces_between(selection, values, low, high, name)


def _faces_between(selection: Selection, values: np.ndarray, low: float, high: float, name: str) -> None:
    """Draw the faces of one bin, wrong ones first."""
    confidence, right = values.max(axis=1), values.argmax(axis=1) == selection.record.true
    within = np.flatnonzero((confidence >= low) & ((confidence < high) | (high >= 1)))
    st.markdown(f"##### Confidence from {low:.0%} to {high:.0%}, {plain(name)}")
    st.caption(f"{int(right[within].sum()):,} right, {int((~right[within]).sum()):,} wrong; wrong ones first")
    face_list.show(selection, within[np.lexsort((-confidence[within], right[within]))], "evaluate_bin_faces")


def _fitted_here(selection: Selection) -> str:
    """Return a warning where the temperature was fitted on the images on which it is measured."""
    same = (
        selection.bundle.card.get("data", {}).get("fingerprint") == selection.record.fingerprint
        and selection.record.split == "validation"
    )
    return (
        " It was fitted on these images, so its calibration error is slightly optimistic here."
        if same
        else ""
    )


def _threshold(selection: Selection) -> None:
    """Draw the slider and the figures for its threshold; a fragment."""
    record = selection.record
    answers = selective_accuracy(record.probabilities, record.true, threshold.choose())
    st.markdown(f"##### {plain(answers.sentence())}")
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            plots.coverage(_coverage(selection, selection.key), answers),
            config=charts.CONFIG,
            key="evaluate_coverage",
            alt=f"Accuracy against the share of faces answered. {answers.sentence()}",
        )
    with right:
        everything = selection.result()
        if answers.right.count:
            gained = 100 * (answers.right.share - everything.accuracy)
            unsure = plural(answers.answered.count - answers.answered.hits, "face")
            st.markdown(
                f"That is {gained:+.1f} points against answering all {everything.count:,} faces; "
                f"{unsure} would get the answer “unsure”."
            )
        st.caption("Predict uses the same threshold: it gives such a face the answer “unsure”.")
        st.caption("The band is the 95% interval. It is wide on the left, where few faces are answered.")


def _inside(selection: Selection) -> float | None:
    """Return the temperature of the model, or None where it cannot be separated from its probabilities."""
    value = selection.bundle.card.get("temperature")
    # Test-time augmentation averages after the temperature, so it cannot be undone.
    return (
        float(value)
        if isinstance(value, int | float) and value > 0 and selection.record.tta == "none"
        else None
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _coverage(_selection: Selection, key: str) -> list[SelectiveAccuracy]:
    return coverage_curve(_selection.record.probabilities, _selection.record.true)


@st.cache_resource(max_entries=6, show_spinner=False)
def _recalibration(_selection: Selection, key: str) -> Recalibration:
    inside = _inside(_selection)
    return recalibrated(
        _selection.record.probabilities,
        _selection.record.true,
        inside,
        None if inside is not None else _validation(_selection),
    )


def _validation(selection: Selection) -> tuple[np.ndarray, np.ndarray] | None:
    """Return probabilities and true classes on validation, if evaluated and not the split shown."""
    selected = selection.record
    for other in saved_evaluations(selection.bundle):
        if selected.split == "validation" or (other.fingerprint, other.split, other.tta) != (
            selected.fingerprint,
            "validation",
            selected.tta,
        ):
            continue
        if selected.truth == "votes":
            if other.votes is None:
                continue
            other = other.by_votes()
        position = np.array([selected.labels.index(name) for name in other.labels])  # labels travel by name
        return by_names(other.probabilities, other.labels, selected.labels), position[other.true]
    return None
