"""One face in detail: its label, votes, prediction, similar faces, copies, and your verdict.

`?face=ROW` in the address opens it.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.bundles.classifier import Classifier
from fer_core.data import Dataset
from fer_core.emotions import EMOJI
from fer_core.errors import FerError
from fer_core.quality import result_cache
from fer_core.quality.agreement import vote_entropy, votes_in_words
from fer_core.quality.embedding import load_features
from fer_core.quality.neighbours import nearest
from pages.session import face_link, file_names
from pages.session.foreign_text import code, plain
from pages.widgets import face_grid, faces, tags

from . import model_answers, verdict_buttons
from .dataset_view import DatasetView

_NEIGHBOURS = 8
_COPIES_AT_MOST = 24


def open_face(data: Dataset, index: int) -> None:
    """Open this face in the next run; for callbacks."""
    face_link.open_row(data.rows[index])


def show_linked(dataset: DatasetView, order: np.ndarray | None) -> None:
    """Open the face that the address asks for.

    Args:
        dataset: The data set.
        order: Positions of the faces for “Next” and “Previous”; the whole data set by default.
    """
    if face_link.requested() is None:
        return
    if face_link.position(dataset.data.rows) is None:
        st.warning(
            f"These data contain no face {plain(repr(face_link.requested()))}.", icon=":material/link_off:"
        )
        return
    order = np.arange(len(dataset.data)) if order is None or not len(order) else order
    st.dialog("A closer look", width="large", icon=":material/face:", on_dismiss=face_link.close)(_view)(
        dataset, order
    )


def _view(dataset: DatasetView, order: np.ndarray) -> None:
    index = face_link.position(dataset.data.rows)
    if index is None:
        return
    places = np.flatnonzero(order == index)
    place = int(places[0]) if len(places) else None
    _navigation(dataset, order, place)
    bundle = model_answers.chosen()
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(dataset, index)
    with right:
        _verdict(dataset, order, index, place)
        tags.for_one(dataset.data, index, "dataset")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _prediction(dataset, index, bundle)
    with right:
        _votes(dataset, index)
    _copies(dataset, index)
    _neighbours(dataset, index, bundle)


def _navigation(dataset: DatasetView, order: np.ndarray, place: int | None) -> None:
    last = len(order) - 1
    with st.container(horizontal=True, vertical_alignment="center"):
        for text, key, step, stop in (("Previous", "Left", -1, 0), ("Next", "Right", 1, last)):
            to = None if place is None or place == stop else int(order[place + step])
            st.button(
                text,
                key=f"dataset_{text.lower()}",
                shortcut=key,
                disabled=to is None,
                on_click=open_face,
                args=(dataset.data, to),
            )
        if place is not None:
            st.caption(f"{place + 1:,} of {len(order):,}", width="content")


def _picture(dataset: DatasetView, index: int) -> None:
    data, label = dataset.data, dataset.label(index)
    faces.large(data.images[index], f"face {data.rows[index]}, {label}")
    st.markdown(f"##### {EMOJI.get(label, '')} {plain(label)}".replace("  ", " "))
    measured = dataset.statistics
    st.caption(
        f"Row {data.rows[index]:,}, {plain(dataset.split(index))} · brightness "
        f"{measured.brightness[index]:.0f}, contrast {measured.contrast[index]:.0f}, sharpness rank "
        f"{dataset.sharpness_rank[index]:.0f} of 100"
    )
    if name := file_names.name(data, index):
        st.caption(f"File {code(name)}")


def _verdict(dataset: DatasetView, order: np.ndarray, index: int, place: int | None) -> None:
    def go_on() -> None:
        st.session_state.setdefault("dataset_judged", []).append(int(dataset.data.rows[index]))
        if st.session_state.get("dataset_go_on", True) and place is not None and place < len(order) - 1:
            open_face(dataset.data, int(order[place + 1]))

    def back() -> None:
        if rows := st.session_state.get("dataset_judged"):
            face_link.open_row(rows.pop())

    verdict_buttons.for_one(dataset, index, go_on, back)
    st.toggle("Continue with the next face", True, key="dataset_go_on", persist_state="session")
    st.caption(f"Keys: {verdict_buttons.KEYS}")


def _votes(dataset: DatasetView, index: int) -> None:
    if dataset.votes is None:
        st.caption("With FER+ votes, the votes of ten people are shown here: see Votes.")
        return
    st.markdown(f"**FER+ votes:** {plain(votes_in_words(dataset.votes, index))}")
    counts = dataset.votes.for_classes()[index]
    total = max(1, int(dataset.votes.counts[index].sum()))
    faces.probability_bars(
        {name: int(n) / total for name, n in zip(dataset.data.label_names, counts, strict=True)}
    )
    bits = float(vote_entropy(type(dataset.votes)(dataset.votes.counts[index : index + 1]))[0])
    st.caption(f"Entropy of the votes: {bits:.2f} bits (0: all agree).")


def _prediction(dataset: DatasetView, index: int, bundle: Bundle | None) -> None:
    if bundle is None:
        st.caption("With a model, its probabilities are shown here: train one on the Train page.")
        return
    try:
        row = _classifier(bundle, str(bundle.path), model_answers.key_of(bundle)).probabilities(
            dataset.data.images[index : index + 1]
        )[0]
    except FerError as error:
        st.caption(plain(error))
        return
    st.markdown(f"**{plain(bundle.name)} predicts**")
    faces.probability_bars({name: float(p) for name, p in zip(bundle.labels, row, strict=True)})


def _copies(dataset: DatasetView, index: int) -> None:
    copies = dataset.copies_of(index)
    if not len(copies):
        return
    st.markdown(f"**{len(copies)} {'copy' if len(copies) == 1 else 'copies'}**")
    _row(dataset, copies[:_COPIES_AT_MOST], "dataset_face_copies", [""] * len(copies))


def _neighbours(dataset: DatasetView, index: int, bundle: Bundle | None) -> None:
    features = None if bundle is None else _features(dataset, bundle)
    if features is None or bundle is None:
        st.caption("Similar faces are shown here once the map of these data has been made.")
        return
    neighbours, similarity = nearest(features, index, _NEIGHBOURS)
    st.markdown(f"**Most similar to {plain(bundle.name)}**")
    _row(dataset, neighbours, "dataset_face_alike", [f"similarity {s:.2f}" for s in similarity])


def _row(dataset: DatasetView, indices: np.ndarray, key: str, notes: list[str]) -> None:
    shown = [
        face_grid.Face(int(i), dataset.data.images[i], dataset.label(int(i)), (dataset.split(int(i)), note))
        for i, note in zip(indices, notes, strict=False)
    ]
    face_grid.show(shown, key, on_open=lambda i: open_face(dataset.data, i), min_width=80)


def _features(dataset: DatasetView, bundle: Bundle) -> np.ndarray | None:
    key = model_answers.key_of(bundle)
    return (
        _load_features(dataset.data, bundle, dataset.key, key)
        if result_cache.path("features", dataset.data, key).is_file()
        else None
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _load_features(_data: Dataset, _bundle: Bundle, key: str, model_key: str) -> np.ndarray | None:
    return load_features(_data, _bundle)


@st.cache_resource(max_entries=3, show_spinner=False)
def _classifier(_bundle: Bundle, path: str, model_key: str) -> Classifier:
    return Classifier(_bundle)
