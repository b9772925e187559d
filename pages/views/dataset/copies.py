"""Copies: images that occur several times, in particular across splits or with different labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.data import SPLITS
from fer_core.data.recipe import Recipe
from fer_core.metrics.classification import Evaluation, evaluate
from fer_core.quality.copies import CopyGroup, leaked_near
from fer_core.wording import plural
from pages.session import background, evaluations
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets.paging import page_of

from . import gallery, model_answers, variants
from .dataset_view import DatasetView

_PER_PAGE = 12
_EXACT, _NEAR = "Exact copies", "Near copies too"
_ACROSS, _LABELS = "across splits", "with different labels"
_LEAKED, _ONE = "Train images that also occur in validation or test", "All but one image of each group"


def show(dataset: DatasetView) -> np.ndarray | None:
    """Draw the view and return the positions of the faces in the groups, group by group."""
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
    groups = dataset.copies(near)
    if groups is None:
        groups = dataset.copies(near=False) or []
        if not background.show_progress(dataset.near_task):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    "Look for near copies",
                    key="dataset_look_near",
                    icon=":material/search:",
                    on_click=dataset.find_near_copies,
                )
                st.caption(
                    "The same photo cropped, lit or compressed differently, found by perceptual hash. "
                    f"About {max(1, round(len(dataset.data) / 1500))} s, once.",
                    width="stretch",
                )
        st.caption("Below are the exact copies.")
        near = False
    if not groups:
        st.success("No image occurs twice.", icon=":material/check_circle:")
    else:
        _summary(dataset, groups)
    _accuracy(dataset, groups if near else None)
    if not groups:
        return None
    st.subheader("Make a cleaned variant")
    _variant(dataset, groups, near)
    st.subheader("Groups")
    return _groups(dataset, groups)


def _summary(dataset: DatasetView, groups: list[CopyGroup]) -> None:
    images = sum(len(group.members) for group in groups)
    across = sum(group.across_splits for group in groups)
    different = sum(group.different_labels for group in groups)
    exact = sum(group.exact for group in groups)
    with st.container(horizontal=True):
        for name, value, help_ in (
            (
                "Groups of copies",
                len(groups),
                f"{plural(images, 'image')}; {plural(exact, 'group')} identical pixel for pixel.",
            ),
            ("Across splits", across, "A model is tested on an image that it was trained on."),
            ("With different labels", different, "At most one of these labels can be right."),
        ):
            st.metric(name, f"{value:,}", border=True, width=190, help=help_)


def _groups(dataset: DatasetView, groups: list[CopyGroup]) -> np.ndarray:
    kinds = st.pills(
        "Only groups", [_ACROSS, _LABELS], selection_mode="multi", key="dataset_groups", bind="query-params"
    )
    chosen = [
        g
        for g in groups
        if (g.across_splits or _ACROSS not in kinds) and (g.different_labels or _LABELS not in kinds)
    ]
    if not chosen:
        st.info("No group matches.", icon=":material/filter_alt_off:")
        return np.empty(0, np.int64)
    st.caption(f"{plural(len(chosen), 'group')}; those across splits with different labels come first.")
    shown_groups = page_of(
        np.arange(len(chosen)), _PER_PAGE, "dataset_groups_page", f"{dataset.key} {kinds} {len(groups)}"
    )
    for number in shown_groups:
        group = chosen[number]
        words = (
            ["exact" if group.exact else "near"]
            + [_ACROSS] * group.across_splits
            + [_LABELS] * group.different_labels
        )
        with st.container(border=True):
            st.caption(f"{len(group.members)} copies: {', '.join(words)}")
            members = group.members[:24]
            notes = [(dataset.split(int(i)), f"row {dataset.data.rows[i]:,}") for i in members]
            gallery.small(dataset, members, f"dataset_group_{number - shown_groups[0]}", notes, min_width=84)
    return np.concatenate([group.members for group in chosen])


def _accuracy(dataset: DatasetView, near_groups: list[CopyGroup] | None) -> None:
    st.subheader("Effect of copies on accuracy")
    data = dataset.data
    splits = [name for name in ("validation", "test") if name in data.split_names()]
    if "train" not in data.split_names() or not splits:
        st.caption("There is no split besides train, so nothing leaks.")
        return
    bundle = model_answers.choose()
    if bundle is None or not st.toggle(
        "Accuracy with and without images that also occur in train", key="dataset_leaks"
    ):
        return
    leaked = None if near_groups is None else leaked_near(data, near_groups)
    with errors_shown(stop=False):
        rows = []
        for split in splits:
            scored = evaluations.scored(bundle, data, split, "none")
            result = scored.evaluation
            rows.append(_row(split, "all images", result))
            if result.without_leaked is not None and result.leaked:
                rows.append(
                    _row(
                        split,
                        f"without {plural(result.leaked, 'image')} with a copy in train",
                        result.without_leaked,
                    )
                )
            if leaked is not None and (out := leaked[scored.indices]).any() and not out.all():
                without = evaluate(scored.probabilities[~out], scored.true[~out], data.label_names)
                rows.append(
                    _row(
                        split,
                        f"without {plural(int(out.sum()), 'image')} with an exact or near copy in train",
                        without,
                    )
                )
        config = {"Accuracy": st.column_config.NumberColumn(format="%.1f%%")}
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            column_config=config,
            alt="Accuracy with and without copies",
        )
        if not model_answers.trained_on(bundle, data):
            st.caption(
                f"{plain(bundle.name)} was not trained on these data, so copies give it no advantage here."
            )


def _row(split: str, which: str, result: Evaluation) -> dict[str, object]:
    low, high = result.accuracy_ci95
    return {
        "Split": split,
        "Images": f"{result.count:,}, {which}",
        "Accuracy": 100 * result.accuracy,
        "95% interval": f"{low:.1%} to {high:.1%}",
    }


def _variant(dataset: DatasetView, groups: list[CopyGroup], near: bool) -> None:
    rule = st.radio(
        "Leave out",
        [_LEAKED, _ONE],
        key="dataset_copies_drop",
        captions=[
            "Validation and test then contain no training image; both stay as they are.",
            "Also within train. Of a group across splits, the image in test is kept, else the one in "
            "validation.",
        ],
    )
    recipe = leave_out(dataset, groups, one_of_each=rule == _ONE)
    variants.form(recipe, "dataset_copies", "no-near-copies" if near else "no-copies")


def leave_out(dataset: DatasetView, groups: list[CopyGroup], one_of_each: bool) -> Recipe:
    """Return the recipe that leaves copies out.

    Args:
        dataset: The data set.
        groups: Its groups of copies.
        one_of_each: Keep one image of each group; otherwise leave out train images with a copy elsewhere.
    """
    data, train = dataset.data, SPLITS.index("train")
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
