"""The figures above all views."""

from __future__ import annotations

import streamlit as st

from fer_core.bundles.bundle import views_inside
from fer_core.evaluation.record import source_name
from fer_core.evaluation.scoring import test_uses
from fer_core.wording import plural, times
from pages.session.foreign_text import plain
from pages.widgets import data_notes

from .selection import Selection

_CARD_WIDTH = 170  # pixels, so that two fit side by side on a phone


def show(selection: Selection) -> None:
    """Draw accuracy, macro F1, calibration error, and accuracy without copies of training images."""
    record, result = selection.record, selection.result()
    # The same images may have had another name when they were evaluated.
    data = selection.data
    source = record.source if data is None else source_name(data)
    truth = " with a majority of FER+ votes" if record.truth == "votes" else ""
    views = views_inside(selection.bundle.card)
    averages = f" The model averages over {views:,} views of each face." if views > 1 else ""
    st.caption(
        f"{plain(record.model)} on {result.count:,} {plain(record.split)} images of "
        f"{plain(source)}{truth}.{averages}"
    )
    if selection.data is not None:
        data_notes.show(selection.data)
    if selection.bundle.card.get("adapted"):
        st.info(
            f"{plain(record.model)} learned its answers from photos, where resting faces are neutral and "
            "fear is rare. FER2013's labels call many resting faces sad or angry, so it meets them less "
            "often than `standard`; on photos it is the better one (Photos on the Models page).",
            icon=":material/photo_camera:",
        )
    elif selection.bundle.card.get("data", {}).get("fingerprint") not in (None, record.fingerprint):
        st.info(
            f"{plain(record.model)} was trained on other data, so expect it to do worse on these.",
            icon=":material/info:",
        )
    if record.split == "test":
        uses, model_uses = test_uses(record.fingerprint), test_uses(record.fingerprint, record.model)
        st.caption(
            "The test split is for one final figure: choose between models on validation. On this machine, "
            f"it was used {times(uses)} on these data, and {times(model_uses)} by {plain(record.model)}."
        )
    low, high = result.accuracy_ci95
    with st.container(horizontal=True):
        st.metric(
            "Accuracy",
            f"{result.accuracy:.1%}",
            border=True,
            width=_CARD_WIDTH,
            height="stretch",
            help=f"{plural(result.count, 'image')}; 95% Wilson interval.",
            delta=f"95%: {100 * low:.1f} to {100 * high:.1f}",
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            "Macro F1",
            f"{result.macro_f1:.3f}",
            border=True,
            width=_CARD_WIDTH,
            height="stretch",
            help="The unweighted mean of the F1 of the classes.",
        )
        st.metric(
            "Calibration error",
            f"{result.calibration_error:.1%}",
            border=True,
            width=_CARD_WIDTH,
            height="stretch",
            help="Mean gap between confidence and accuracy (expected calibration error, 15 bins).",
        )
        if result.leaked and result.accuracy_without_leaked is not None:
            st.metric(
                "Without copies",
                f"{result.accuracy_without_leaked:.1%}",
                border=True,
                width=_CARD_WIDTH,
                height="stretch",
                help=f"Without {plural(result.leaked, 'image')} with a copy in the training split.",
            )
