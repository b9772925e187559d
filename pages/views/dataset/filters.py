"""Filters and order of the gallery. The address holds all of them, so that a link shows the same faces.

On a phone they are in a drawer, so that the faces begin in the upper half of the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.data import SPLITS, UNLABELLED
from fer_core.quality.verdicts import VERDICTS
from pages.session.foreign_text import plain
from pages.widgets import tags
from pages.widgets.component import style

from . import model_answers
from .dataset_view import DatasetView, in_words

AGREE, DISAGREE, CONTESTED = "voters agree", "voters disagree", "contested"
RIGHT, WRONG = "model is right", "model is wrong"
NO_VERDICT = "none yet"
_RANGES = {"brightness": (0, 255), "contrast": (0, 128), "sharpness": (0, 100), "confidence": (0, 100)}
_OPEN = "dataset_filters_open"
_SINGLE = ("dataset_split", "dataset_majority", "dataset_predicted", "dataset_model_right")
_MULTI = ("dataset_classes", "dataset_agreement", "dataset_verdicts", "dataset_tags")
SORTS = {
    "Position": "position",
    "Darkest first": "brightness",
    "Brightest first": "-brightness",
    "Lowest contrast first": "contrast",
    "Most blurred first": "sharpness",
    "Sharpest first": "-sharpness",
    "Most contested votes first": "-entropy",
    "Model least confident first": "confidence",
    "Model most confident first": "-confidence",
    "Most doubtful label first": "-doubt",
}
_RENAMED_SORTS = {"Least contrast first": "Lowest contrast first"}  # in links of earlier versions


@dataclass
class FilteredFaces:
    """The faces that pass the filters, in order."""

    indices: np.ndarray  # (n,) positions in the data set
    words: list[str]  # the filters in words
    notes: Callable[[int], tuple[str, ...]] = field(default=lambda index: ())  # the lines below a face


def reset() -> None:
    """Clear filters and order; for callbacks."""
    for key in _SINGLE:
        st.session_state[key] = None
    for key in _MULTI:
        st.session_state[key] = []
    for name, ends in _RANGES.items():
        st.session_state[f"dataset_{name}"] = ends
    st.session_state["dataset_sort"] = next(iter(SORTS))


def link(**chosen: object) -> None:
    """Open the gallery with these filters only, such as `split="test"`; for callbacks."""
    reset()
    for name, value in chosen.items():
        st.session_state[f"dataset_{name}"] = value
    st.session_state["dataset_view"] = "Gallery"


def choose(dataset: DatasetView) -> FilteredFaces:
    """Draw the filters and return the faces that pass them."""
    # All are drawn in any case: a filter that is not drawn would leave the address.
    opened = st.session_state.get(_OPEN, False)
    with st.container(key="dataset_filters" if opened else "dataset_filters_closed", gap="small"):
        shown, words, answers, order = _filters(dataset)
    indices, value = _sorted(dataset, answers, np.flatnonzero(shown), SORTS[order])
    return FilteredFaces(
        indices, words, _notes(dataset, not st.session_state.get("dataset_split"), answers, value)
    )


def drawer() -> None:
    """Draw the switch that opens the drawer of the filters on a phone."""
    st.html(style(__file__))
    with st.container(key="dataset_drawer", width="content"):
        st.toggle("Filters", key=_OPEN)


def _filters(
    dataset: DatasetView,
) -> tuple[np.ndarray, list[str], model_answers.ModelAnswers | None, str]:
    """Draw the filters; return which faces pass (N,) bool, the filters in words, predictions and order."""
    data = dataset.data
    shown, words = np.ones(len(data), bool), []
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        split = st.segmented_control(
            "Split",
            data.split_names(),
            format_func=plain,
            key="dataset_split",
            label_visibility="collapsed",
            width="content",
            bind="query-params",
        )
        if split:
            shown &= data.splits == SPLITS.index(split)
            words.append(split)
        labels = dataset.labels
        classes = st.pills(
            "Classes",
            labels,
            format_func=plain,
            selection_mode="multi",
            key="dataset_classes",
            label_visibility="collapsed",
            bind="query-params",
        )
    if classes:
        shown &= np.isin(
            data.labels, [labels.index(name) if name in data.label_names else UNLABELLED for name in classes]
        )
        words.append(" or ".join(classes))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("More filters", icon=":material/tune:"), st.container(width=640):
            _votes(dataset, shown, words)
            _image_measures(dataset, shown, words)
            _verdicts(dataset, shown, words)
            _tags(dataset, shown, words)
            answers = _model(dataset, shown, words)
        linked = st.query_params.get("dataset_sort", "")
        if linked in _RENAMED_SORTS:
            st.session_state["dataset_sort"] = _RENAMED_SORTS[linked]
        order = st.selectbox(
            "Sort by",
            list(SORTS),
            key="dataset_sort",
            label_visibility="collapsed",
            bind="query-params",
            width=240,
        )
        st.button(
            "All faces",
            key="dataset_reset",
            icon=":material/filter_alt_off:",
            on_click=reset,
            disabled=not words and order == next(iter(SORTS)),
        )
    return shown, words, answers, order


def _votes(dataset: DatasetView, shown: np.ndarray, words: list[str]) -> None:
    agreement, column = dataset.agreement, dataset.majority_column
    if agreement is None or column is None:
        st.caption("With FER+ votes (see Votes) faces can be filtered by the votes.")
        return
    labels = dataset.data.labels
    labelled = labels != UNLABELLED
    kinds = {
        AGREE: labelled & (column == labels),
        DISAGREE: labelled & (column != labels) & (column < len(agreement.columns) - 1),
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


def _image_measures(dataset: DatasetView, shown: np.ndarray, words: list[str]) -> None:
    helps = {
        "brightness": "Mean grey value, 0 to 255.",
        "contrast": "Standard deviation of the grey values.",
        "sharpness": "Rank in these data: 0 is the most blurred image, 100 the sharpest.",
    }
    for place, name in zip(st.columns(3), helps, strict=True):
        ends = _RANGES[name]
        low, high = _range(place, name.capitalize(), name, helps[name])
        if (low, high) != ends:
            value = dataset.sharpness_rank if name == "sharpness" else getattr(dataset.statistics, name)
            shown &= (value >= low) & (value <= high)
            words.append(f"{name} {low} to {high}")


def _range(place: DeltaGenerator, label: str, name: str, help: str | None = None) -> tuple[int, int]:
    key = f"dataset_{name}"
    st.session_state.setdefault(key, _RANGES[name])  # a default of the slider's own could not be reset
    ends: Any = place.slider(
        plain(label), *_RANGES[name], key=key, help=help and plain(help), bind="query-params"
    )
    return ends


def _verdicts(dataset: DatasetView, shown: np.ndarray, words: list[str]) -> None:
    chosen = st.pills(
        "Your verdicts",
        [NO_VERDICT, *VERDICTS],
        selection_mode="multi",
        key="dataset_verdicts",
        bind="query-params",
    )
    if not chosen:
        return
    verdicts = dataset.current_verdicts()
    matches = np.zeros(len(shown), bool)
    matches[[i for i, verdict in verdicts.items() if verdict.verdict in chosen]] = True
    if NO_VERDICT in chosen:
        unjudged = np.ones(len(shown), bool)
        unjudged[list(verdicts)] = False
        matches |= unjudged
    shown &= matches
    words.append("verdict " + " or ".join(chosen))


def _tags(dataset: DatasetView, shown: np.ndarray, words: list[str]) -> None:
    by_face = dataset.tags
    if not by_face:
        st.caption(
            "Faces with a tag of yours can be filtered here: open a face, or select some, to tag them."
        )
        return
    chosen = st.pills(
        "Your tags",
        tags.names(by_face),
        format_func=plain,
        selection_mode="multi",
        key="dataset_tags",
        bind="query-params",
    )
    if chosen:
        matches = np.zeros(len(shown), bool)
        matches[[i for i, of_face in by_face.items() if set(of_face) & set(chosen)]] = True
        shown &= matches
        words.append("tagged " + " or ".join(chosen))


def _model(dataset: DatasetView, shown: np.ndarray, words: list[str]) -> model_answers.ModelAnswers | None:
    data = dataset.data
    bundle = model_answers.choose()
    if bundle is None:
        return None
    if set(bundle.labels) != set(data.label_names):
        st.caption(
            f"{plain(bundle.name)} has the classes {plain(', '.join(bundle.labels))}, which are not "
            "those of these data."
        )
        return None
    answers = model_answers.saved(dataset, bundle)
    right = st.session_state.get("dataset_model_right")
    # Drawn in any case: a widget that is not drawn leaves the address.
    left, middle, right_place = st.columns([3, 2, 3])
    right = left.pills(
        "Prediction",
        [RIGHT, WRONG],
        key="dataset_model_right",
        bind="query-params",
        help="Compared with the label.",
    )
    predicted = middle.selectbox(
        "Predicted class",
        data.label_names,
        index=None,
        key="dataset_predicted",
        placeholder="Any",
        bind="query-params",
    )
    ends = _RANGES["confidence"]
    low, high = _range(right_place, "Confidence in percent", "confidence")
    active = bool(right or predicted or (low, high) != ends)
    if answers is None:
        if active:
            st.warning(
                f"The filter by prediction waits until {plain(bundle.name)} has classified the faces.",
                icon=":material/hourglass_empty:",
            )
        model_answers.offer_classification(
            dataset, bundle, "Then faces can be filtered and sorted by its predictions."
        )
        return None
    if right:
        shown &= answers.available & ((answers.predicted == data.labels) == (right == RIGHT))
        words.append(f"{bundle.name} is {'right' if right == RIGHT else 'wrong'}")
    if predicted:
        shown &= answers.predicted == data.label_names.index(predicted)
        words.append(f"{bundle.name} predicts {predicted}")
    if (low, high) != ends:
        shown &= answers.available & (100 * answers.confidence >= low) & (100 * answers.confidence <= high)
        words.append(f"confidence {low} to {high}%")
    return answers


def _sorted(
    dataset: DatasetView, answers: model_answers.ModelAnswers | None, indices: np.ndarray, order: str
) -> tuple[np.ndarray, Callable[[int], str] | None]:
    """Return the indices in order, and a function that formats the sort value of a face."""
    name = order.removeprefix("-")
    if name == "position":
        return indices, None
    if name in ("confidence", "doubt"):
        if answers is None:
            st.warning(
                "This order needs predictions: let a model classify the faces under “More filters”.",
                icon=":material/hourglass_empty:",
            )
            return indices, None
        values = answers.confidence if name == "confidence" else answers.doubt(dataset.data.labels)
    elif name == "entropy":
        if dataset.agreement is None:
            st.warning("This order needs FER+ votes: see Votes.", icon=":material/how_to_vote:")
            return indices, None
        values = dataset.agreement.entropy
    else:
        values = getattr(dataset.statistics, name)
    key = -values[indices] if order.startswith("-") else values[indices]
    words = {
        "entropy": "{:.2f} bits",
        "confidence": "",
        "doubt": "doubt {:+.2f}",
        "sharpness": "sharpness {:,.0f}",
    }.get(name, name + " {:.0f}")
    # Faces without a label have NaN, which comes last.
    return indices[np.argsort(key, kind="stable")], (
        lambda index: words.format(values[index])
    ) if words else None


def _notes(
    dataset: DatasetView,
    with_split: bool,
    answers: model_answers.ModelAnswers | None,
    value: Callable[[int], str] | None,
) -> Callable[[int], tuple[str, ...]]:
    verdicts, by_face = dataset.current_verdicts(), dataset.tags
    predicted = None if answers is None else answers.predicted
    names = dataset.data.label_names

    def notes(index: int) -> tuple[str, ...]:
        says = ""
        if answers is not None and predicted is not None and predicted[index] != UNLABELLED:
            mark = "→" if predicted[index] != dataset.data.labels[index] else "="
            says = f"{mark} {names[predicted[index]]} {answers.confidence[index]:.0%}"
        return (
            dataset.split(index) if with_split else "",
            value(index) if value else "",
            says,
            in_words(verdicts.get(index), dataset.label(index)),
            tags.in_words(by_face.get(index, ())),
        )

    return notes
