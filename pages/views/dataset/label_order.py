"""The form that names the numbers of the labels, with faces of each number beside its name."""

from __future__ import annotations

import streamlit as st

from fer_core.data.label_examples import Examples, label_examples
from fer_core.emotions import NAMES
from fer_core.errors import DataError
from fer_core.label_options import LabelOptions, join_source, split_source
from fer_core.label_orders import TITLES, UNUSED, as_text, names_of
from fer_core.wording import plural
from pages.session import data_source, kept_labels, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import faces

from .dataset_view import DatasetView

_OTHERS = ("contempt", UNUSED)
_MOST = 20  # numbers in the form


def show(dataset: DatasetView) -> None:
    """Draw the form for data whose labels are numbers; reading their faces waits until it is opened."""
    location, options = split_source(data_source.current())
    if not dataset.data.codes or ":" in location:
        return
    form = st.expander("Names of the labels", icon=":material/123:", key="labels_form", on_change="rerun")
    if not form.open:
        return
    with form, errors_shown(stop=False):
        examples = _examples(
            location, data_source.modified(location), visitor.key(), _budget=visitor.budget(location)
        )
        if len(examples) > _MOST:
            raise DataError(f"The labels have {len(examples):,} different numbers: expected at most {_MOST}.")
        key = f"labels_{data_source.modified(location)}"
        _orders(key, examples)
        names = _names(key, examples, dataset.data.codes)
        left, right = st.columns(2)
        if left.button("Use these names", key="labels_use", icon=":material/check:", type="primary"):
            _use(location, LabelOptions(as_text(names)))
        if options != LabelOptions() and right.button(
            "Forget the chosen names", key="labels_forget", icon=":material/undo:"
        ):
            _use(location, LabelOptions())


@st.cache_resource(max_entries=3, show_spinner="Reading the faces ...")
def _examples(location: str, modified: int, visitor: str, _budget: object) -> dict[int, Examples]:
    return label_examples(location, budget=_budget)  # type: ignore[arg-type]


def _orders(key: str, examples: dict[int, Examples]) -> None:
    """Draw the known orders; a click puts the names of one into the form."""

    def fill() -> None:
        order = st.session_state["labels_order"]
        names = names_of(order) if order else {}
        for code in examples if order else ():
            st.session_state[f"{key}_{code}"] = names.get(code, UNUSED)

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
            st.session_state[box] = codes.get(code, UNUSED)
        name = left.selectbox(
            f"{code}: {plain(plural(example.count, 'face'))}",
            [*NAMES, *_OTHERS],
            key=box,
            accept_new_options=True,
            help="A name without a class here, such as contempt, is left out.",
        )
        names[code] = name or UNUSED
        with right:
            faces.gallery(example.images, [str(code)] * len(example.images), [""] * len(example.images))
    return names


def _use(location: str, options: LabelOptions) -> None:
    data_source.choose(join_source(location, options))
    kept_labels.keep(location, options)
    st.rerun()
