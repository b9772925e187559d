"""The figures above all views, and what they mean."""

from __future__ import annotations

import streamlit as st

from fer_core.bundle import views_inside
from fer_core.evaluation.scoring import test_uses

from .chosen import Chosen


def show(chosen: Chosen) -> None:
    """Accuracy, macro-F1, calibration error, and accuracy without the images that also stand in train."""
    record, result = chosen.record, chosen.result()
    truth = " on which the FER+ voters agree" if record.truth == "votes" else ""
    views = views_inside(chosen.bundle.card)
    averages = f" The model averages over {views} views of each face." if views > 1 else ""
    st.caption(
        f"{record.model} on {result.count:,} {record.split} images of {record.source}{truth}.{averages}"
    )
    if chosen.bundle.card.get("data", {}).get("fingerprint") not in (None, record.fingerprint):
        st.info(
            f"{record.model} was trained on other data than this, so expect it to do worse here.",
            icon=":material/info:",
        )
    if record.split == "test":
        uses, mine = test_uses(record.fingerprint), test_uses(record.fingerprint, record.model)
        st.caption(
            "The test split is for one final figure: choose between models on validation. "
            f"On this machine it has been used {uses:,} times for these data, {mine:,} times by {record.model}."
        )
    low, high = result.accuracy_ci95
    with st.container(horizontal=True):
        st.metric(
            "Accuracy",
            f"{result.accuracy:.1%}",
            border=True,
            width=220,
            height="stretch",
            help=f"{result.count:,} images; 95 % Wilson interval.",
            delta=f"95 %: {low:.1%} to {high:.1%}",
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            "Macro F1",
            f"{result.macro_f1:.3f}",
            border=True,
            width=150,
            height="stretch",
            help="The mean of the F1 of the classes, each counted alike.",
        )
        st.metric(
            "Calibration error",
            f"{result.calibration_error:.1%}",
            border=True,
            width=180,
            height="stretch",
            help="How far confidence and accuracy lie apart on average (expected calibration error, 15 bins).",
        )
        if result.leaked and result.accuracy_without_leaked is not None:
            st.metric(
                "Without copies of train",
                f"{result.accuracy_without_leaked:.1%}",
                border=True,
                width=220,
                height="stretch",
                help=f"{result.leaked:,} images that also stand in the training split are left out.",
            )
