"""Label issues: labels that are probably wrong, by confident learning on probabilities that a model did not learn by heart."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.data import SPLITS, UNLABELLED
from fer_core.emotions import EMOJI
from fer_core.quality import cross_validation
from fer_core.quality.label_issues import LabelIssues, label_issues, lift
from pages.shared import charts, state, visitor
from pages.shared.paging import page_of

from . import gallery, model
from .facts import Facts

_PER_PAGE = 36
_FIRST = 500
_FROM_MODEL, _CROSS = "A model", "Cross-validation"
_METHOD = "https://arxiv.org/abs/1911.00068"


def show(facts: Facts) -> np.ndarray | None:
    """The view. The positions of the issues, the most doubtful first."""
    st.markdown(
        "A label is in doubt where a model is confident of another class. The ranking is "
        f"[confident learning]({_METHOD}): confident means at least as sure as the model is, on average, of images labelled so."
    )
    with state.errors_shown():
        found = _probabilities(facts)
        if found is None:
            return None
        indices, probabilities = found
        issues = label_issues(probabilities, facts.data, indices)
        return _shown(facts, issues, indices)


def _probabilities(facts: Facts) -> tuple[np.ndarray, np.ndarray] | None:
    """(n,) positions and (n, C) probabilities, from where the visitor chooses; None while there are none."""
    crossed = cross_validation.load(facts.data)
    ways = [_FROM_MODEL, _CROSS]
    way = st.segmented_control(
        "Probabilities from",
        ways,
        default=_CROSS if crossed is not None else _FROM_MODEL,
        required=True,
        key="dataset_issues_from",
        bind="query-params",
    )
    if way == _CROSS:
        if crossed is None:
            st.info(
                "No cross-validation of these data is kept. It trains a small network several times, each time without the images that it "
                f"then judges, so every image gets an honest probability: `python -m fer_core cross-validate {visitor.shown_source(facts.data.source)}`.",
                icon=":material/terminal:",
            )
        return crossed
    bundle = model.choose()
    if bundle is None:
        return None
    splits = _splits(facts, bundle)
    looked = model.looked(facts, bundle)
    if looked is None:
        model.offer(facts, bundle, "Label issues need what a model says of every face.")
        return None
    chosen = looked.known & np.isin(facts.data.splits, [SPLITS.index(name) for name in splits])
    indices = np.flatnonzero(chosen & (facts.data.labels != UNLABELLED))
    if not len(indices):
        st.info("Choose a split with labels.", icon=":material/filter_alt_off:")
        return None
    return indices, looked.probabilities[indices]


def _splits(facts: Facts, bundle: Bundle) -> list[str]:
    names = facts.data.split_names()
    learned = model.trained_on(bundle, facts.data)
    others = [name for name in names if name != "train"]
    default = others if learned and others else names
    chosen = st.pills(
        "Splits",
        names,
        selection_mode="multi",
        default=default,
        key=f"dataset_issues_splits_{learned}_{len(names)}",
    )
    if learned and "train" in chosen:
        st.warning(
            f"{bundle.name} was trained on these training images: what it says of them is learned by heart and hides wrong labels. "
            "Look at validation and test, or use cross-validation.",
            icon=":material/warning:",
        )
    elif learned:
        st.caption(
            f"{bundle.name} was trained on the train split, which is left out: it would hide the labels that it learned by heart."
        )
    else:
        st.caption(
            f"{bundle.name} was not trained on these data, so its probabilities are out of sample for every split."
        )
    return list(chosen)


def _shown(facts: Facts, issues: LabelIssues, among: np.ndarray) -> np.ndarray:
    st.markdown(
        f"**{len(issues.indices):,}** of {len(among):,} labels are in doubt ({len(issues.indices) / len(among):.1%})."
    )
    if facts.votes is not None and len(issues.indices):
        checked = lift(issues, facts.data, facts.votes, among, _FIRST)
        low, high = checked.interval
        st.markdown(
            f"**Checked against FER+:** of the first {checked.count:,}, most voters chose something else than the label on "
            f"**{checked.rate:.0%}** (95 % interval {low:.0%} to {high:.0%}); of {checked.count:,} taken at random, on "
            f"{checked.random_rate:.0%}. That is **{checked.lift:.1f} times** as many."
        )
    if not len(issues.indices):
        st.success("The model is confident of no other class than the label.", icon=":material/check_circle:")
        return issues.indices
    names = facts.data.label_names
    pairs = st.pills(
        "Labelled",
        names,
        selection_mode="multi",
        key="dataset_issues_classes",
        bind="query-params",
        help="None chosen: all classes.",
    )
    kept = (
        np.isin(facts.data.labels[issues.indices], [names.index(name) for name in pairs])
        if pairs
        else np.ones(len(issues.indices), bool)
    )
    numbers = np.flatnonzero(kept)
    if not len(numbers):
        st.info("No label of these classes is in doubt.", icon=":material/filter_alt_off:")
    else:
        what = f"{facts.key} {len(among)} {pairs} {st.session_state.get('dataset_model')}"
        here = page_of(numbers, _PER_PAGE, "dataset_issues_page", what)
        notes = [
            (
                f"→ {EMOJI[names[issues.suggested[n]]]} {names[issues.suggested[n]]}?",
                f"doubt {issues.doubt[n]:.2f}",
                facts.split(int(issues.indices[n])),
            )
            for n in here
        ]
        gallery.small(facts, issues.indices[here], "dataset_issues", notes)
    with st.expander("Which classes are taken for which", icon=":material/grid_on:"):
        st.caption("Images by label (row) and by the class that the model is confident of (column).")
        figure = charts.label_matrix(issues.joint, names, names, True, None, ("label", "confidently"))
        st.plotly_chart(
            figure, config=charts.CONFIG, key="dataset_issues_joint", alt="Labels against confident classes"
        )
    return issues.indices[numbers]
