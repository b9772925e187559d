"""Evaluate: figures of a model, its confusion matrix, and the faces behind each cell."""

import math

import numpy as np
import streamlit as st

from fer_core.bundle import views_inside
from fer_core.evaluation.scoring import Scored, test_uses
from pages.shared import charts, faces, scores, state

PER_PAGE = 24

st.title("Evaluate")

with state.errors_shown():
    data = state.dataset()
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    with left:
        bundle = state.choose_model("evaluate_model")
    splits = [name for name in ("validation", "test", "train") if name in data.split_names()]
    split = middle.segmented_control("Split", splits, default=splits[0], required=True, key="evaluate_split")
    inside = views_inside(bundle.card) > 1
    flip = not inside and right.toggle(
        "Mirror too", key="evaluate_flip", help="Average over each face and its mirror image (test-time augmentation)."
    )
    votes = scores.votes_beside(data)
    if votes is not None:
        own = "FER+ voters" if bundle.card.get("truth") == "votes" else "Labels"
        truth = st.segmented_control("True is what say", ["Labels", "FER+ voters"], default=own, required=True, key=f"evaluate_truth_{own}",
                                     help="The labels of the data, or the class that more than half of the FER+ votes agree on.")  # fmt: skip
        votes = votes if truth == "FER+ voters" else None
    mirrored = f" The model averages over {views_inside(bundle.card)} views of each face." if inside else ""
    st.caption(f"On {state.source_name(state.source())}; choose another source on the Dataset page.{mirrored}")
    scored: Scored = scores.scored(bundle, data, split, "flip" if flip else "none", votes)

result = scored.evaluation
if bundle.card.get("data", {}).get("fingerprint") != data.fingerprint:
    st.info(f"{bundle.name} was trained on other data than this, so expect it to do worse here.", icon=":material/info:")
if split == "test":
    st.caption(
        "The test split is for one final figure: choose between models on validation. "
        f"On this machine it has been used {test_uses(data):,} times for these data."
    )
low, high = result.accuracy_ci95
with st.container(horizontal=True):
    st.metric("Accuracy", f"{result.accuracy:.1%}", border=True, width=220, height="stretch", help=f"{result.count:,} images; 95 % Wilson interval.",
              delta=f"95 %: {low:.1%} to {high:.1%}", delta_color="off", delta_arrow="off")  # fmt: skip
    st.metric(
        "Macro F1",
        f"{result.macro_f1:.3f}",
        border=True,
        width=150,
        height="stretch",
        help="The mean of the F1 of the classes, each counted alike.",
    )
    st.metric("Calibration error", f"{result.calibration_error:.1%}", border=True, width=180, height="stretch",
              help="How far confidence and accuracy lie apart on average (expected calibration error, 15 bins).")  # fmt: skip
    if result.accuracy_without_leaked is not None:
        st.metric("Without copies of train", f"{result.accuracy_without_leaked:.1%}", border=True, width=220, height="stretch",
                  help=f"{result.leaked:,} images that also stand in the training split are left out.")  # fmt: skip

st.subheader("Confusion matrix")
unit = st.segmented_control("Cells show", ["Counts", "Per cent of the row"], default="Counts", required=True, key="evaluate_unit",
                            label_visibility="collapsed")  # fmt: skip
matrix_place, faces_place = st.columns([5, 6], gap="large")
cell = charts.clicked_cell(st.session_state.get("evaluate_matrix"))  # stays chosen when the model or the split changes
with matrix_place:
    figure = charts.confusion_matrix(result.confusion_matrix, result.labels, unit != "Counts", cell)
    st.plotly_chart(figure, config=charts.CONFIG, on_select="rerun", selection_mode="points", key="evaluate_matrix",
                    alt="Confusion matrix: rows are true labels, columns predicted ones")  # fmt: skip

true = scored.true
predicted = scored.probabilities.argmax(axis=1)
confidence = scored.probabilities.max(axis=1)
with faces_place:
    if cell is not None:
        row, column = cell
        names = result.labels
        st.markdown(f"##### True {names[row]}, predicted {names[column]}")
        chosen = np.flatnonzero((true == row) & (predicted == column))
        empty = "No face fell into this cell."
    else:
        st.caption("Click a cell to see its faces.")
        verdict = st.segmented_control(
            "Faces", ["Wrong", "Right"], default="Wrong", required=True, key="evaluate_verdict", label_visibility="collapsed"
        )
        chosen = np.flatnonzero((true == predicted) == (verdict == "Right"))
        empty = "There are none."
    chosen = chosen[np.argsort(-confidence[chosen], kind="stable")]
    if not len(chosen):
        st.info(empty, icon=":material/filter_alt_off:")
    else:
        pages = math.ceil(len(chosen) / PER_PAGE)
        # The key holds what is shown, so that other faces start on their first page.
        shown = f"{bundle.path.name}_{split}_{flip}_{votes is None}_{cell or verdict}_{data.fingerprint}"
        page = st.pagination(pages, key=f"evaluate_page_{shown}") if pages > 1 else 1
        here = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
        st.caption(f"{len(here):,} of {len(chosen):,} faces, the most confident first")
        faces.gallery(
            data.images[scored.indices[here]],
            [result.labels[t] for t in true[here]],
            [f"→ {result.labels[p]} {c:.0%}" for p, c in zip(predicted[here], confidence[here], strict=True)],
        )

st.subheader("By class")
charts.class_table(result.per_class)
