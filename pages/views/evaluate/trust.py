"""Trust: does 80 % sure mean right 8 times out of 10, and what is gained by not answering when unsure?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.evaluation.calibration import (
    Answers,
    Recalibration,
    at_threshold,
    coverage_curve,
    cross_entropy,
    expected_calibration_error,
    recalibrated,
    reliability,
)
from fer_core.evaluation.comparison import by_names
from pages.shared import charts

from . import plots
from .chosen import Chosen, kept_evaluations

_DEFAULT = 0.6


def show(chosen: Chosen) -> None:
    """The view."""
    found = _recalibration(
        chosen, f"{chosen.key} {len(kept_evaluations(chosen.bundle))}"
    )  # anew once validation was scored
    st.subheader("Does confidence mean what it says?")
    _reliability(chosen, found)
    st.subheader("What if it may say “unsure”?")
    st.fragment(_threshold)(chosen)


def _reliability(chosen: Chosen, found: Recalibration) -> None:
    true, inside = chosen.record.true, _inside(chosen)
    sets = dict(
        zip(
            ("before", "after"),
            zip((found.before, found.after), plots.before_after(), strict=True),
            strict=True,
        )
    )
    names = {"before": "without temperature", "after": f"with temperature {found.temperature:.2f}"}
    errors = {name: expected_calibration_error(values, true) for name, (values, _) in sets.items()}
    left, right = st.columns([3, 2], gap="large")
    with left:
        bins = {names[name]: (reliability(values, true), colour) for name, (values, colour) in sets.items()}
        st.plotly_chart(
            plots.reliability(bins),
            config=charts.CONFIG,
            key="evaluate_reliability",
            alt=f"Accuracy over confidence; calibration error {errors['before']:.1%} before and {errors['after']:.1%} after",
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
                    f"accuracy {chosen.result().accuracy:.1%}.",
                )
        st.caption("Calibration error: how far confidence and accuracy lie apart on average, in 15 bins.")
        st.markdown(
            f"The temperature is **{found.temperature:.2f}**, {found.source}. Above 1 makes a model less sure, below 1 surer; "
            f"which class it chooses stays the same. It is fitted for the smallest cross-entropy ({cross_entropy(found.before, true):.3f} without, "
            f"{cross_entropy(found.after, true):.3f} with); the calibration error may move either way."
        )
        if inside is not None:
            st.caption("The model answers as “with”: the temperature is part of it." + _seen(chosen))
        else:
            st.caption(
                "The model answers as “without”. Models that are released by FER Explorer have their temperature inside."
            )
    st.caption(
        "A dot on the dotted line says what it means; below it the model is too sure. Bars are 95 % intervals."
    )


def _seen(chosen: Chosen) -> str:
    """A warning where the temperature is judged on the images that it was fitted on."""
    same = (
        chosen.bundle.card.get("data", {}).get("fingerprint") == chosen.record.fingerprint
        and chosen.record.split == "validation"
    )
    return " It was fitted on these very images, so “with” would flatter a little here." if same else ""


def _threshold(chosen: Chosen) -> None:
    """Redraws alone when the slider moves."""
    record = chosen.record
    threshold = st.slider(
        "Unsure below",
        0.0,
        0.99,
        _DEFAULT,
        0.01,
        key="evaluate_threshold",
        bind="query-params",
        persist_state="session",
        help="Faces whose most probable class has less than this are not answered.",
    )
    answers = at_threshold(record.probabilities, record.true, threshold)
    st.markdown(f"##### {answers.sentence()}")
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            plots.coverage(_coverage(chosen, chosen.key), answers),
            config=charts.CONFIG,
            key="evaluate_coverage",
            alt=f"Accuracy against the share of faces answered. {answers.sentence()}",
        )
    with right:
        everything = chosen.result()
        if answers.right.count:
            gained = 100 * (answers.right.share - everything.accuracy)
            st.markdown(
                f"That is {gained:+.1f} points against answering all {everything.count:,} faces; {answers.answered.count - answers.answered.hits:,} "
                "faces would get the answer “unsure”."
            )
        if st.button("Use on Predict", key="evaluate_use_threshold", icon=":material/photo_camera:"):
            st.session_state["unsure_below"] = threshold
        if "unsure_below" in st.session_state:
            st.caption(f"On Predict, faces below {st.session_state['unsure_below']:.2f} are called unsure.")
        st.caption("The band is the 95 % interval. To the left few faces are answered, so it is wide.")


def _inside(chosen: Chosen) -> float | None:
    """The temperature in the model, where its probabilities without it can be told from those with it."""
    value = chosen.bundle.card.get("temperature")
    # An average over mirror images from outside is no power of what it was before.
    return (
        float(value) if isinstance(value, int | float) and value > 0 and chosen.record.tta == "none" else None
    )


@st.cache_resource(max_entries=6, show_spinner=False)
def _coverage(_chosen: Chosen, key: str) -> list[Answers]:
    return coverage_curve(_chosen.record.probabilities, _chosen.record.true)


@st.cache_resource(max_entries=6, show_spinner=False)
def _recalibration(_chosen: Chosen, key: str) -> Recalibration:
    inside = _inside(_chosen)
    return recalibrated(
        _chosen.record.probabilities,
        _chosen.record.true,
        inside,
        None if inside is not None else _validation(_chosen),
    )


def _validation(chosen: Chosen) -> tuple[np.ndarray, np.ndarray] | None:
    """Probabilities and true classes of the validation images, if they were scored and are other images than those shown."""
    mine = chosen.record
    for other in kept_evaluations(chosen.bundle):
        if mine.split == "validation" or (other.fingerprint, other.split, other.tta) != (
            mine.fingerprint,
            "validation",
            mine.tta,
        ):
            continue
        if mine.truth == "votes":
            if other.votes is None:
                continue
            other = other.by_votes()
        position = np.array([mine.labels.index(name) for name in other.labels])  # labels travel by name
        return by_names(other.probabilities, other.labels, mine.labels), position[other.true]
    return None
