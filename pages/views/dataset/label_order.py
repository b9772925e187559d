"""The form for labels without a class: numbers, with faces of each, and other classes than the seven."""

from __future__ import annotations

import streamlit as st

from fer_core.data.label_examples import Examples, label_examples
from fer_core.data.labels import as_code
from fer_core.emotions import NAMES, find
from fer_core.errors import DataError
from fer_core.label_options import LabelOptions, join_source, split_source
from fer_core.label_orders import TITLES, as_text, names_of
from fer_core.wording import plural
from pages.session import data_source, kept_labels, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import faces

from .dataset_view import DatasetView

_LEAVE_OUT = "leave out"
_MOST = 20  # numbers in the form


def show(dataset: DatasetView) -> None:
    """Draw the form for numbers and for other classes; reading the faces waits until it is opened."""
    location, options = split_source(data_source.current())
    others = _others(dataset, options)
    if ":" in location or not (dataset.data.codes or others):
        return
    form = st.expander("Names of the labels", icon=":material/123:", key="labels_form", on_change="rerun")
    if not form.open:
        return
    with form, errors_shown(stop=False):
        key = f"labels_{data_source.modified(location)}"
        names = _numbers(key, location, dataset.data.codes) if dataset.data.codes else {}
        words = _classes_of_others(key, others)
        order = {code: name for code, name in names.items() if name != _LEAVE_OUT}
        mapping = [f"{word}={name}" for word, name in words.items() if name != _LEAVE_OUT]
        leave_out = [str(word) for word, name in (names | words).items() if name == _LEAVE_OUT]
        left, right = st.columns(2)
        if left.button("Use these names", key="labels_use", icon=":material/check:", type="primary"):
            classes = as_text(order) if order else ""
            _use(location, LabelOptions(classes, ",".join(mapping), ",".join(leave_out)))
        if options != LabelOptions() and right.button(
            "Forget the chosen names", key="labels_forget", icon=":material/undo:"
        ):
            _use(location, LabelOptions())


def _others(dataset: DatasetView, options: LabelOptions) -> dict[str, str]:
    """Return the words of the labels that are not a class, each with what was chosen for it."""
    chosen = options.mapped() | dict.fromkeys(options.left_out(), _LEAVE_OUT)
    words = [word for word in dataset.data.other_classes if word and word.lower() not in chosen]
    return {word: name for word, name in chosen.items() if as_code(word) is None} | {
        word: _LEAVE_OUT for word in words if as_code(word) is None
    }


def _numbers(key: str, location: str, codes: dict[int, str]) -> dict[int, str]:
    """Draw the known orders and a box for each number, and return their names."""
    examples = _examples(
        location, data_source.modified(location), visitor.key(), _budget=visitor.budget(location)
    )
    if len(examples) > _MOST:
        raise DataError(f"The labels have {len(examples):,} different numbers: expected at most {_MOST}.")
    _orders(key, examples)
    return _names(key, examples, codes)


def _classes_of_others(key: str, others: dict[str, str]) -> dict[str, str]:
    """Draw a box for each word that is not a class, and return what was chosen."""
    options = [_LEAVE_OUT, *NAMES]
    return {
        word: st.selectbox(
            f"Images labelled {plain(word)}", options, index=options.index(name), key=f"{key}_{word}"
        )
        for word, name in list(others.items())[:_MOST]
    }


@st.cache_resource(max_entries=3, show_spinner="Reading the faces ...")
def _examples(location: str, modified: int, visitor: str, _budget: object) -> dict[int, Examples]:
    return label_examples(location, budget=_budget)  # type: ignore[arg-type]


def _orders(key: str, examples: dict[int, Examples]) -> None:
    """Draw the known orders; a click puts the names of one into the form."""

    def fill() -> None:
        order = st.session_state["labels_order"]
        names = names_of(order) if order else {}
        for code in examples if order else ():
            st.session_state[f"{key}_{code}"] = find(names.get(code, "")) or _LEAVE_OUT

    st.pills(
        "Known orders",
        list(TITLES),
        format_func=lambda order: TITLES[order],
        key="labels_order",
        on_change=fill,
    )


def _names(key: str, examples: dict[int, Examples], codes: dict[int, str]) -> dict[int, str]:
    """Draw a box for the name of each number, and return the names."""
    names: dict[int, str] = {}
    for code, example in examples.items():
        left, right = st.columns([1, 2], vertical_alignment="center")
        box = f"{key}_{code}"
        if box not in st.session_state:
            st.session_state[box] = find(codes.get(code, "")) or _LEAVE_OUT
        names[code] = left.selectbox(
            f"{code}: {plain(plural(example.count, 'face'))}", [*NAMES, _LEAVE_OUT], key=box
        )
        with right:
            faces.gallery(example.images, [str(code)] * len(example.images), [""] * len(example.images))
    return names


def _use(location: str, options: LabelOptions) -> None:
    data_source.choose(join_source(location, options))
    kept_labels.keep(location, options)
    st.rerun()
