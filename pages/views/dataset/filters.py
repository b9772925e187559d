"""Which faces the gallery shows, and in which order. All of it stands in the address, so that a link shows the same faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.data import SPLITS, UNLABELLED
from fer_core.quality.verdicts import VERDICTS

from . import model
from .facts import Facts, in_words

AGREE, DISAGREE, CONTESTED = "voters agree", "voters disagree", "contested"
RIGHT, WRONG = "model is right", "model is wrong"
NO_VERDICT = "none yet"
_RANGES = {"brightness": (0, 255), "contrast": (0, 128), "sharpness": (0, 100), "confidence": (0, 100)}
_SINGLE = ("dataset_split", "dataset_majority", "dataset_predicted", "dataset_model_right")
_MULTI = ("dataset_classes", "dataset_agreement", "dataset_verdicts")
SORTS = {
    "Position": "position",
    "Darkest first": "brightness",
    "Brightest first": "-brightness",
    "Least contrast first": "contrast",
    "Most blurred first": "sharpness",
    "Sharpest first": "-sharpness",
    "Most contested votes first": "-entropy",
    "Model least confident first": "confidence",
    "Model most confident first": "-confidence",
    "Most doubtful label first": "-doubt",
}


@dataclass
class Found:
    """The faces that the filter leaves, in order."""

    indices: np.ndarray  # (n,) positions in the data set
    words: list[str]  # the filter, as people say it
    notes: Callable[[int], tuple[str, ...]] = field(default=lambda index: ())  # the lines below a face


def reset() -> None:
    """All faces again, by position; for callbacks."""
    for key in _SINGLE:
        st.session_state[key] = None
    for key in _MULTI:
        st.session_state[key] = []
    for name, ends in _RANGES.items():
        st.session_state[f"dataset_{name}"] = ends
    st.session_state["dataset_sort"] = next(iter(SORTS))


def link(**chosen: object) -> None:
    """Show the gallery with this filter alone from the next run on, such as `split="test"`; for callbacks."""
    reset()
    for name, value in chosen.items():
        st.session_state[f"dataset_{name}"] = value
    st.session_state["dataset_view"] = "Gallery"


def choose(facts: Facts) -> Found:
    """The boxes, and what they leave."""
    data = facts.data
    shown, words = np.ones(len(data), bool), []
    split = st.segmented_control(
        "Split", data.split_names(), key="dataset_split", help="None chosen: all splits.", bind="query-params"
    )
    if split:
        shown &= data.splits == SPLITS.index(split)
        words.append(split)
    labels = facts.labels
    classes = st.pills(
        "Classes",
        labels,
        selection_mode="multi",
        key="dataset_classes",
        help="None chosen: all classes.",
        bind="query-params",
    )
    if classes:
        shown &= np.isin(
            data.labels, [labels.index(name) if name in data.label_names else UNLABELLED for name in classes]
        )
        words.append(" or ".join(classes))
    with st.expander("More filters", icon=":material/tune:"):
        _votes(facts, shown, words)
        _look(facts, shown, words)
        _verdicts(facts, shown, words)
        looked = _model(facts, shown, words)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Sort by", list(SORTS), key="dataset_sort", bind="query-params", width=260)
        st.button(
            "All faces",
            key="dataset_reset",
            icon=":material/filter_alt_off:",
            on_click=reset,
            disabled=not words and order == next(iter(SORTS)),
        )
    indices, value = _sorted(facts, looked, np.flatnonzero(shown), SORTS[order])
    return Found(indices, words, _notes(facts, split is None, looked, value))


def _votes(facts: Facts, shown: np.ndarray, words: list[str]) -> None:
    agreement = facts.agreement
    if agreement is None:
        st.caption("With FER+ votes (see Votes) faces can be filtered by what people voted.")
        return
    column, labels = facts.majority_column, facts.data.labels
    known = labels != UNLABELLED
    kinds = {
        AGREE: known & (column == labels),
        DISAGREE: known & (column != labels) & (column < len(agreement.columns) - 1),
        CONTESTED: column == len(agreement.columns) - 1,
    }
    left, right = st.columns([3, 2])
    chosen = left.pills(
        "FER+ voters and the label",
        list(kinds),
        selection_mode="multi",
        key="dataset_agreement",
        bind="query-params",
        help="Contested: no class has more than half of the votes.",
    )
    if chosen:
        shown &= np.any([kinds[kind] for kind in chosen], axis=0)
        words.append(" or ".join(chosen))
    majority = right.selectbox(
        "FER+ majority",
        agreement.columns,
        index=None,
        key="dataset_majority",
        bind="query-params",
        placeholder="Any",
        help="Other: contempt, unknown, or not a face.",
    )
    if majority is not None:
        shown &= column == agreement.columns.index(majority)
        words.append(f"voted {majority}")


def _look(facts: Facts, shown: np.ndarray, words: list[str]) -> None:
    helps = {
        "brightness": "Mean grey value, 0 to 255.",
        "contrast": "Standard deviation of the grey values.",
        "sharpness": "Rank in these data: 0 is the most blurred image, 100 the sharpest.",
    }
    for place, name in zip(st.columns(3), helps, strict=True):
        ends = _RANGES[name]
        low, high = _range(place, name.capitalize(), name, helps[name])
        if (low, high) != ends:
            value = facts.sharpness_rank if name == "sharpness" else getattr(facts.statistics, name)
            shown &= (value >= low) & (value <= high)
            words.append(f"{name} {low} to {high}")


def _range(place: DeltaGenerator, label: str, name: str, help: str | None = None) -> tuple[int, int]:
    st.session_state.setdefault(
        f"dataset_{name}", _RANGES[name]
    )  # not as its default, which could not be brought back by `reset`
    return place.slider(label, *_RANGES[name], key=f"dataset_{name}", help=help, bind="query-params")


def _verdicts(facts: Facts, shown: np.ndarray, words: list[str]) -> None:
    chosen = st.pills(
        "Your verdicts",
        [NO_VERDICT, *VERDICTS],
        selection_mode="multi",
        key="dataset_verdicts",
        bind="query-params",
    )
    if not chosen:
        return
    judged = facts.judged()
    there = np.zeros(len(shown), bool)
    there[[i for i, verdict in judged.items() if verdict.verdict in chosen]] = True
    if NO_VERDICT in chosen:
        none = np.ones(len(shown), bool)
        none[list(judged)] = False
        there |= none
    shown &= there
    words.append("verdict " + " or ".join(chosen))


def _model(facts: Facts, shown: np.ndarray, words: list[str]) -> model.Looked | None:
    data = facts.data
    bundle = model.choose()
    if bundle is None:
        return None
    if set(bundle.labels) != set(data.label_names):
        st.caption(
            f"{bundle.name} tells {', '.join(bundle.labels)} apart, which are not the classes of these data."
        )
        return None
    looked = model.looked(facts, bundle)
    right = st.session_state.get("dataset_model_right")
    # The boxes are drawn in any case: what is not drawn leaves the address.
    left, middle, right_place = st.columns([3, 2, 3])
    right = left.pills(
        "What it says",
        [RIGHT, WRONG],
        key="dataset_model_right",
        bind="query-params",
        help="Against the label.",
    )
    predicted = middle.selectbox(
        "It predicts",
        data.label_names,
        index=None,
        key="dataset_predicted",
        placeholder="Any",
        bind="query-params",
    )
    ends = _RANGES["confidence"]
    low, high = _range(right_place, "Its confidence in per cent", "confidence")
    wanted = bool(right or predicted or (low, high) != ends)
    if looked is None:
        if wanted:
            st.warning(
                f"The filter by what {bundle.name} says waits until it has looked.",
                icon=":material/hourglass_empty:",
            )
        model.offer(facts, bundle, "Then faces can be filtered and sorted by what it says.")
        return None
    if right:
        shown &= looked.known & ((looked.predicted == data.labels) == (right == RIGHT))
        words.append(f"{bundle.name} is {'right' if right == RIGHT else 'wrong'}")
    if predicted:
        shown &= looked.predicted == data.label_names.index(predicted)
        words.append(f"{bundle.name} says {predicted}")
    if (low, high) != ends:
        shown &= looked.known & (100 * looked.confidence >= low) & (100 * looked.confidence <= high)
        words.append(f"confidence {low} to {high} %")
    return looked


def _sorted(
    facts: Facts, looked: model.Looked | None, indices: np.ndarray, order: str
) -> tuple[np.ndarray, Callable[[int], str] | None]:
    """The indices in order, and what each is sorted by."""
    name = order.removeprefix("-")
    if name == "position":
        return indices, None
    if name in ("confidence", "doubt"):
        if looked is None:
            st.warning(
                "This order needs what a model says: let one look under “More filters”.",
                icon=":material/hourglass_empty:",
            )
            return indices, None
        values = looked.confidence if name == "confidence" else looked.doubt(facts.data.labels)
    elif name == "entropy":
        if facts.agreement is None:
            st.warning("This order needs FER+ votes: see Votes.", icon=":material/how_to_vote:")
            return indices, None
        values = facts.agreement.entropy
    else:
        values = getattr(facts.statistics, name)
    key = -values[indices] if order.startswith("-") else values[indices]
    words = {
        "entropy": "{:.2f} bits",
        "confidence": "",
        "doubt": "doubt {:+.2f}",
        "sharpness": "sharpness {:,.0f}",
    }.get(name, name + " {:.0f}")
    # NaN, of faces without a label, comes last.
    return indices[np.argsort(key, kind="stable")], (
        lambda index: words.format(values[index])
    ) if words else None


def _notes(
    facts: Facts, with_split: bool, looked: model.Looked | None, value: Callable[[int], str] | None
) -> Callable[[int], tuple[str, ...]]:
    judged = facts.judged()
    predicted = None if looked is None else looked.predicted
    names = facts.data.label_names

    def notes(index: int) -> tuple[str, ...]:
        says = ""
        if predicted is not None and predicted[index] != UNLABELLED:
            mark = "→" if predicted[index] != facts.data.labels[index] else "="
            says = f"{mark} {names[predicted[index]]} {looked.confidence[index]:.0%}"
        return (
            facts.split(index) if with_split else "",
            value(index) if value else "",
            says,
            in_words(judged.get(index)),
        )

    return notes
