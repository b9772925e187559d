"""Verdicts: your verdicts on labels as list, file and cleaned variant, and the effect of retraining."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.data import SPLITS
from fer_core.emotions import EMOJI
from fer_core.quality.verdicts import VERDICTS, Verdict
from fer_core.wording import plural
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets.paging import page_of

from . import filters, gallery, retraining, variants
from .dataset_view import DatasetView, in_words

_PER_PAGE = 36


def show(dataset: DatasetView) -> np.ndarray | None:
    """Draw the view and return the positions of the faces with a verdict, the latest first."""
    with errors_shown():
        verdicts = dataset.current_verdicts()
    if not verdicts:
        st.info(
            "No verdict yet. Open a face in the gallery or among the label issues and judge its label; "
            "shortcuts make it fast.",
            icon=":material/gavel:",
        )
        st.button(
            "Go to the label issues",
            key="dataset_to_issues",
            icon=":material/arrow_forward:",
            on_click=_to_issues,
        )
        retraining.show(dataset)
        return None
    order = np.array(sorted(verdicts, key=lambda i: (-verdicts[i].time, i)))
    _counts(verdicts)
    with st.container(horizontal=True):
        if st.button("Undo the last verdict", key="dataset_verdicts_undo", icon=":material/undo:"):
            with errors_shown(stop=False):
                dataset.verdicts.undo()
                st.rerun()
        st.download_button(
            "Download CSV",
            dataset.verdicts.as_csv,
            "verdicts.csv",
            "text/csv",
            key="dataset_verdicts_csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            "See them in the gallery",
            key="dataset_verdicts_see",
            icon=":material/grid_view:",
            on_click=filters.link,
            kwargs={"verdicts": list(VERDICTS)},
        )
    layout = st.segmented_control(
        "As",
        ["Faces", "Table"],
        default="Faces",
        required=True,
        key="dataset_verdicts_as",
        label_visibility="collapsed",
    )
    if layout == "Table":
        _table(dataset, verdicts, order)
    else:
        shown_indices = page_of(order, _PER_PAGE, "dataset_verdicts_page", dataset.key)
        gallery.small(
            dataset,
            shown_indices,
            "dataset_judged_faces",
            [(dataset.split(int(i)), _when(verdicts[int(i)])) for i in shown_indices],
        )
    st.subheader("Make a cleaned variant")
    _variant(dataset)
    retraining.show(dataset)
    return order


def _to_issues() -> None:
    st.session_state["dataset_view"] = "Label issues"


def _counts(verdicts: dict[int, Verdict]) -> None:
    counts = Counter(verdict.verdict for verdict in verdicts.values())
    with st.container(horizontal=True):
        for kind in VERDICTS:
            st.metric(kind.capitalize(), f"{counts[kind]:,}", border=True, width=150)
    changed = Counter(verdict.label for verdict in verdicts.values() if verdict.label)
    if changed:
        st.caption(
            "Wrong labels become "
            + ", ".join(f"{EMOJI[name]} {plain(name)} {n:,}" for name, n in changed.most_common())
            + "."
        )


def _when(verdict: Verdict) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(verdict.time))


def _table(dataset: DatasetView, verdicts: dict[int, Verdict], order: np.ndarray) -> None:
    rows = [
        {
            "Row": int(dataset.data.rows[i]),
            "Split": dataset.split(int(i)),
            "Label": dataset.label(int(i)),
            "Verdict": in_words(verdicts[int(i)], dataset.label(int(i))),
            "Time": _when(verdicts[int(i)]),
        }
        for i in order
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(35 * len(rows) + 38, 420), alt="Verdicts")


def _variant(dataset: DatasetView) -> None:
    names = dataset.data.split_names()
    splits = st.pills(
        "Apply to splits",
        names,
        format_func=plain,
        selection_mode="multi",
        default=[name for name in names if name == "train"] or names,
        key=f"dataset_variant_splits_{len(names)}",
        help="By default only in train, so that figures before and after are measured on the same images.",
    )
    st.caption("Wrong labels are changed; ambiguous images and images without a face are left out.")
    outside = sum(dataset.split(i) not in splits for i in dataset.current_verdicts())
    if outside:
        st.caption(
            f"{plural(outside, 'verdict')} on images of other splits {'does' if outside == 1 else 'do'} not "
            "count."
        )
    if "train" in names and set(splits) - {"train"}:
        st.caption(
            f"With {' and '.join(s for s in SPLITS if s in splits and s != 'train')} changed too, figures "
            "cannot be compared with earlier ones."
        )
    variants.form(dataset.verdicts.recipe(splits), "dataset_verdicts", "cleaned")
