"""Verdicts: what was said of single faces, as a list, a file and a cleaned variant, and what training on that variant changes."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.data import SPLITS
from fer_core.emotions import EMOJI
from fer_core.quality.verdicts import VERDICTS, Verdict
from pages.shared import state
from pages.shared.paging import page_of

from . import filters, gallery, retraining, variants
from .facts import Facts, in_words

_PER_PAGE = 36


def show(facts: Facts) -> np.ndarray | None:
    """The view. The positions of the judged faces, the latest first."""
    with state.errors_shown():
        judged = facts.judged()
    if not judged:
        st.info(
            "No verdict yet. Open a face in the gallery or among the label issues and say whether its label is right; keys make it fast.",
            icon=":material/gavel:",
        )
        st.button(
            "To the label issues",
            key="dataset_to_issues",
            icon=":material/arrow_forward:",
            on_click=_to_issues,
        )
        retraining.show(facts)
        return None
    order = np.array(sorted(judged, key=lambda i: (-judged[i].time, i)))
    _counts(judged)
    with st.container(horizontal=True):
        if st.button("Undo the last one", key="dataset_verdicts_undo", icon=":material/undo:"):
            with state.errors_shown(stop=False):
                facts.verdicts.undo()
                st.rerun()
        st.download_button(
            "Download CSV",
            facts.verdicts.as_csv,
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
    look = st.segmented_control(
        "As",
        ["Faces", "Table"],
        default="Faces",
        required=True,
        key="dataset_verdicts_as",
        label_visibility="collapsed",
    )
    if look == "Table":
        _table(facts, judged, order)
    else:
        here = page_of(order, _PER_PAGE, "dataset_verdicts_page", facts.key)
        gallery.small(
            facts, here, "dataset_judged_faces", [(facts.split(int(i)), _when(judged[int(i)])) for i in here]
        )
    st.subheader("Make a cleaned variant")
    _variant(facts)
    retraining.show(facts)
    return order


def _to_issues() -> None:
    st.session_state["dataset_view"] = "Label issues"


def _counts(judged: dict[int, Verdict]) -> None:
    counts = Counter(verdict.verdict for verdict in judged.values())
    with st.container(horizontal=True):
        for kind in VERDICTS:
            st.metric(kind.capitalize(), f"{counts[kind]:,}", border=True, width=150)
    changed = Counter(verdict.label for verdict in judged.values() if verdict.label)
    if changed:
        st.caption(
            "Wrong ones are "
            + ", ".join(f"{EMOJI[name]} {name} {n:,}" for name, n in changed.most_common())
            + "."
        )


def _when(verdict: Verdict) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(verdict.time))


def _table(facts: Facts, judged: dict[int, Verdict], order: np.ndarray) -> None:
    rows = [
        {
            "Row": int(facts.data.rows[i]),
            "Split": facts.split(int(i)),
            "Label": facts.label(int(i)),
            "Verdict": in_words(judged[int(i)]),
            "Time": _when(judged[int(i)]),
        }
        for i in order
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(35 * len(rows) + 38, 420), alt="Verdicts")


def _variant(facts: Facts) -> None:
    names = facts.data.split_names()
    splits = st.pills(
        "In which splits",
        names,
        selection_mode="multi",
        default=[name for name in names if name == "train"] or names,
        key=f"dataset_variant_splits_{len(names)}",
        help="By default in train alone, so that figures before and after are of the same images.",
    )
    st.caption("Wrong labels are changed; ambiguous images and those without a face are left out.")
    if "train" in names and set(splits) - {"train"}:
        st.caption(
            f"With {' and '.join(s for s in SPLITS if s in splits and s != 'train')} changed too, figures cannot be compared with those before."
        )
    variants.form(facts.verdicts.recipe(splits), "dataset_verdicts", "cleaned")
