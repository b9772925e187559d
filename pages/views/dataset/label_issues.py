"""Label issues: probably wrong labels, found by confident learning on out-of-sample probabilities."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.data import SPLITS, UNLABELLED
from fer_core.emotions import EMOJI
from fer_core.quality import cross_validation
from fer_core.quality.label_issues import LabelIssues, label_issues, lift
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.paging import page_of

from . import cross_validation_run, gallery, model_answers
from .dataset_view import DatasetView

_PER_PAGE = 36
_FIRST = 500
_FROM_MODEL, _CROSS = "A model", "Cross-validation"
_METHOD = "https://arxiv.org/abs/1911.00068"


def show(dataset: DatasetView) -> np.ndarray | None:
    """Draw the view and return the positions of the issues, the most doubtful first."""
    st.markdown(
        "A label is in doubt where a model is confident of another class. The method is [confident "
        f"learning]({_METHOD}): confident means at least as sure as the model is on average for images with "
        "that label."
    )
    with errors_shown():
        out_of_sample = _probabilities(dataset)
        if out_of_sample is None:
            return None
        indices, probabilities = out_of_sample
        issues = label_issues(probabilities, dataset.data, indices)
        return _shown(dataset, issues, indices)


def _probabilities(dataset: DatasetView) -> tuple[np.ndarray, np.ndarray] | None:
    """Return positions (n,) and probabilities (n, C) from the chosen source, or None while there are none."""
    cross_validated = cross_validation.load(dataset.data)
    origins = [_FROM_MODEL, _CROSS]
    first = model_answers.chosen()
    # A model hides wrong labels that it has memorised: those of its training split need others.
    memorised = first is not None and model_answers.trained_on(first, dataset.data)
    origin = st.segmented_control(
        "Probabilities from",
        origins,
        default=_CROSS if cross_validated is not None or memorised else _FROM_MODEL,
        required=True,
        key="dataset_issues_from",
        bind="query-params",
    )
    if origin == _CROSS:
        if cross_validated is None:
            cross_validation_run.offer(dataset)
            return None
        indices, probabilities = cross_validated
        names = dataset.data.split_names()
        chosen = _chosen(dataset, names, ["train"] if "train" in names else names, "cross")[indices]
        return _some(indices[chosen], probabilities[chosen])
    bundle = model_answers.choose()
    if bundle is None:
        return None
    chosen = _splits(dataset, bundle)
    answers = model_answers.saved(dataset, bundle)
    if answers is None:
        model_answers.offer_classification(
            dataset, bundle, "Label issues need the predictions of a model for all faces."
        )
        return None
    indices = np.flatnonzero(answers.available & chosen & (dataset.data.labels != UNLABELLED))
    return _some(indices, answers.probabilities[indices])


def _some(indices: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    if not len(indices):
        st.info("Select a split with labels.", icon=":material/filter_alt_off:")
        return None
    return indices, probabilities


def _chosen(dataset: DatasetView, names: list[str], default: list[str], key: str) -> np.ndarray:
    """Draw the choice of splits, and return whether each image is in one of them, (N,) bool."""
    chosen = st.pills(
        "Splits",
        names,
        format_func=plain,
        selection_mode="multi",
        default=default,
        key=f"dataset_issues_splits_{key}_{len(names)}",
        help="A cleaned variant changes the train split, unless you choose otherwise.",
    )
    return np.isin(dataset.data.splits, [SPLITS.index(name) for name in chosen])


def _splits(dataset: DatasetView, bundle: Bundle) -> np.ndarray:
    """Draw the choice of splits and what the model knows of them; return whether each image is chosen."""
    names = dataset.data.split_names()
    trained = model_answers.trained_on(bundle, dataset.data)
    others = [name for name in names if name != "train"]
    default = others if trained and others else ["train"] if "train" in names else names
    chosen = _chosen(dataset, names, default, str(trained))
    if trained and (chosen & (dataset.data.splits == SPLITS.index("train"))).any():
        st.warning(
            f"{plain(bundle.name)} was trained on these images and has memorised their labels, which hides "
            "wrong labels. Use validation and test, or cross-validation.",
            icon=":material/warning:",
        )
    elif trained:
        st.caption(
            f"{plain(bundle.name)} was trained on the train split, which is left out: a model hides wrong "
            "labels that it has memorised."
        )
    else:
        st.caption(
            f"{plain(bundle.name)} was not trained on these data, so its probabilities are out-of-sample for "
            "every split."
        )
    return chosen


def _shown(dataset: DatasetView, issues: LabelIssues, among: np.ndarray) -> np.ndarray:
    st.markdown(
        f"**{len(issues.indices):,}** of {len(among):,} labels are in doubt "
        f"({len(issues.indices) / len(among):.1%})."
    )
    if dataset.votes is not None and len(issues.indices):
        checked = lift(issues, dataset.data, dataset.votes, among, _FIRST)
        low, high = checked.interval
        st.markdown(
            f"**Checked against FER+:** for **{checked.rate:.0%}** of the first {checked.count:,} (95% "
            f"interval {low:.0%} to {high:.0%}), most votes are for another class than the label; for "
            f"{checked.count:,} random faces, it is {checked.random_rate:.0%}. That is **{checked.lift:.1f} "
            "times** as many."
        )
    if not len(issues.indices):
        st.success("The model contradicts no label confidently.", icon=":material/check_circle:")
        return issues.indices
    names = dataset.data.label_names
    pairs = st.pills(
        "Labelled",
        names,
        format_func=plain,
        selection_mode="multi",
        key="dataset_issues_classes",
        bind="query-params",
        help="None selected: all classes.",
    )
    of_class = (
        np.isin(dataset.data.labels[issues.indices], [names.index(name) for name in pairs])
        if pairs
        else np.ones(len(issues.indices), bool)
    )
    numbers = np.flatnonzero(of_class)
    if not len(numbers):
        st.info("No label of these classes is in doubt.", icon=":material/filter_alt_off:")
    else:
        what = f"{dataset.key} {len(among)} {pairs} {st.session_state.get('dataset_model')}"
        shown_numbers = page_of(numbers, _PER_PAGE, "dataset_issues_page", what)
        notes = [
            (
                f"→ {EMOJI[names[issues.suggested[n]]]} {names[issues.suggested[n]]}?",
                f"doubt {issues.doubt[n]:.2f}",
                dataset.split(int(issues.indices[n])),
            )
            for n in shown_numbers
        ]
        gallery.small(dataset, issues.indices[shown_numbers], "dataset_issues", notes)
    with st.expander("Labels against confident classes", icon=":material/grid_on:"):
        st.caption("Images by label (row) and by the class that the model is confident of (column).")
        figure = charts.label_matrix(issues.joint, names, names, True, None, ("label", "confidently"))
        st.plotly_chart(
            figure, config=charts.CONFIG, key="dataset_issues_joint", alt="Labels against confident classes"
        )
    return issues.indices[numbers]
