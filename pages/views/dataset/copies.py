"""Copies: the same image several times, above all in several splits or with several labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.data import SPLITS
from fer_core.data.recipe import Recipe
from fer_core.evaluation.metrics import Evaluation, evaluate
from fer_core.quality.copies import CopyGroup, leaked_near
from pages.shared import background, scores, state
from pages.shared.paging import page_of

from . import gallery, model, variants
from .facts import Facts

_PER_PAGE = 12
_EXACT, _NEAR = "Exact copies", "Near copies too"
_ACROSS, _LABELS = "across splits", "with different labels"
_LEAKED, _ONE = "Train images that also stand in validation or test", "All but one image of each group"


def show(facts: Facts) -> np.ndarray | None:
    """The view. The positions of the faces in the groups, group by group."""
    near = (
        st.segmented_control(
            "Kind",
            [_EXACT, _NEAR],
            default=_EXACT,
            required=True,
            key="dataset_copies_kind",
            bind="query-params",
        )
        == _NEAR
    )
    groups = facts.copies(near)
    if groups is None:
        groups = facts.copies(near=False) or []
        if not background.under_way(facts.near_task):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    "Look for near copies",
                    key="dataset_look_near",
                    icon=":material/search:",
                    on_click=facts.look_for_near_copies,
                )
                st.caption(
                    "The same photo cut, lit or compressed otherwise, by perceptual hash. "
                    f"About {max(1, round(len(facts.data) / 1500))} s, once.",
                    width="stretch",
                )
        st.caption("Below are the exact copies.")
        near = False
    if not groups:
        st.success("No image stands here twice.", icon=":material/check_circle:")
    else:
        _summary(facts, groups)
    _accuracy(facts, groups if near else None)
    if not groups:
        return None
    st.subheader("Make a cleaned variant")
    _variant(facts, groups, near)
    st.subheader("Groups")
    return _groups(facts, groups)


def _summary(facts: Facts, groups: list[CopyGroup]) -> None:
    images = sum(len(group.members) for group in groups)
    across = sum(group.across_splits for group in groups)
    different = sum(group.different_labels for group in groups)
    exact = sum(group.exact for group in groups)
    with st.container(horizontal=True):
        for name, value, help_ in (
            (
                "Groups of copies",
                len(groups),
                f"{images:,} images; {exact:,} groups are equal pixel for pixel.",
            ),
            ("Across splits", across, "A model that learned the image in train is tested on it again."),
            ("With different labels", different, "At most one of these labels can be right."),
        ):
            st.metric(name, f"{value:,}", border=True, width=190, help=help_)


def _groups(facts: Facts, groups: list[CopyGroup]) -> np.ndarray:
    kinds = st.pills(
        "Only groups", [_ACROSS, _LABELS], selection_mode="multi", key="dataset_groups", bind="query-params"
    )
    chosen = [
        g
        for g in groups
        if (g.across_splits or _ACROSS not in kinds) and (g.different_labels or _LABELS not in kinds)
    ]
    if not chosen:
        st.info("There is no such group.", icon=":material/filter_alt_off:")
        return np.empty(0, np.int64)
    st.caption(f"{len(chosen):,} groups; those across splits with different labels come first.")
    here = page_of(
        np.arange(len(chosen)), _PER_PAGE, "dataset_groups_page", f"{facts.key} {kinds} {len(groups)}"
    )
    for number in here:
        group = chosen[number]
        words = (
            ["exact" if group.exact else "near"]
            + [_ACROSS] * group.across_splits
            + [_LABELS] * group.different_labels
        )
        with st.container(border=True):
            st.caption(f"{len(group.members)} copies: {', '.join(words)}")
            members = group.members[:24]
            notes = [(facts.split(int(i)), f"row {facts.data.rows[i]:,}") for i in members]
            gallery.small(facts, members, f"dataset_group_{number - here[0]}", notes, least=84)
    return np.concatenate([group.members for group in chosen])


def _accuracy(facts: Facts, near_groups: list[CopyGroup] | None) -> None:
    st.subheader("What copies do to an accuracy")
    data = facts.data
    splits = [name for name in ("validation", "test") if name in data.split_names()]
    if "train" not in data.split_names() or not splits:
        st.caption("There is no other split beside train, so nothing leaks.")
        return
    bundle = model.choose()
    if bundle is None or not st.toggle(
        "With and without images that also stand in train", key="dataset_leaks"
    ):
        return
    leaked = None if near_groups is None else leaked_near(data, near_groups)
    with state.errors_shown(stop=False):
        rows = []
        for split in splits:
            found = scores.scored(bundle, data, split, "none")
            result = found.evaluation
            rows.append(_row(split, "all images", result))
            if result.without_leaked is not None and result.leaked:
                rows.append(
                    _row(split, f"without {result.leaked:,} that stand in train", result.without_leaked)
                )
            if leaked is not None and (out := leaked[found.indices]).any() and not out.all():
                without = evaluate(found.probabilities[~out], found.true[~out], data.label_names)
                rows.append(
                    _row(split, f"without {out.sum():,} that stand in train exactly or nearly", without)
                )
        config = {"Accuracy": st.column_config.NumberColumn(format="%.1f %%")}
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            column_config=config,
            alt="Accuracy with and without leaked images",
        )
        if not model.trained_on(bundle, data):
            st.caption(
                f"{bundle.name} was not trained on these data, so here copies do not help it by themselves."
            )


def _row(split: str, which: str, result: Evaluation) -> dict[str, object]:
    low, high = result.accuracy_ci95
    return {
        "Split": split,
        "Images": f"{result.count:,}, {which}",
        "Accuracy": 100 * result.accuracy,
        "95 % interval": f"{low:.1%} to {high:.1%}",
    }


def _variant(facts: Facts, groups: list[CopyGroup], near: bool) -> None:
    way = st.radio(
        "Leave out",
        [_LEAKED, _ONE],
        key="dataset_copies_drop",
        captions=[
            "Figures on validation and test are then of images that no training saw; these splits stay as they are.",
            "Also within train. Of a group across splits the image in test stays, else the one in validation.",
        ],
    )
    recipe = leave_out(facts, groups, one_of_each=way == _ONE)
    variants.form(recipe, "dataset_copies", "no-near-copies" if near else "no-copies")


def leave_out(facts: Facts, groups: list[CopyGroup], one_of_each: bool) -> Recipe:
    """The recipe that leaves copies out.

    Args:
        one_of_each: keep a single image of each group; else only train images with a copy outside train are left out.
    """
    data, train = facts.data, SPLITS.index("train")
    drop: dict[int, str] = {}
    for group in groups:
        splits = data.splits[group.members]
        if one_of_each:
            keep = group.members[int(splits.argmax())]  # SPLITS are in the order train, validation, test
            out = group.members[group.members != keep]
        else:
            out = group.members[splits == train] if (splits != train).any() else []
        for i in out:
            drop[int(data.rows[i])] = "exact copy" if group.exact else "near copy"
    return Recipe(data.source, data.fingerprint, drop)
