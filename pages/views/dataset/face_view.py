"""One face, large: its label, what people voted, what a model says, faces like it, copies of it, and what you say of it.

`?face=ROW` in the address opens it.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.data import Dataset
from fer_core.emotions import EMOJI
from fer_core.errors import FerError
from fer_core.inference.classifier import Classifier
from fer_core.quality import kept
from fer_core.quality.agreement import vote_entropy, votes_in_words
from fer_core.quality.embedding import load_features
from fer_core.quality.neighbours import nearest
from pages.shared import face_grid, face_link, faces

from . import model, verdict_buttons
from .facts import Facts

_NEIGHBOURS = 8
_COPIES_AT_MOST = 24


def open_face(data: Dataset, index: int) -> None:
    """Show this face from the next run on; for callbacks."""
    face_link.open_row(data.rows[index])


def show_asked(facts: Facts, order: np.ndarray | None) -> None:
    """The face that the address asks for, over the page.

    Args:
        order: positions of the faces that “next” and “previous” go through; all of the data set by default.
    """
    if face_link.asked() is None:
        return
    if face_link.position(facts.data.rows) is None:
        st.warning(f"These data have no face {face_link.asked()!r}.", icon=":material/link_off:")
        return
    order = np.arange(len(facts.data)) if order is None or not len(order) else order
    st.dialog("A closer look", width="large", icon=":material/face:", on_dismiss=face_link.close)(_view)(
        facts, order
    )


def _view(facts: Facts, order: np.ndarray) -> None:
    index = face_link.position(facts.data.rows)
    if index is None:
        return
    places = np.flatnonzero(order == index)
    place = int(places[0]) if len(places) else None
    _navigation(facts, order, place)
    bundle = model.chosen()
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _picture(facts, index)
    with right:
        _verdict(facts, order, index, place)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _says(facts, index, bundle)
    with right:
        _votes(facts, index)
    _copies(facts, index)
    _neighbours(facts, index, bundle)


def _navigation(facts: Facts, order: np.ndarray, place: int | None) -> None:
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
                args=(facts.data, to),
            )
        if place is not None:
            st.caption(f"{place + 1:,} of {len(order):,}", width="content")


def _picture(facts: Facts, index: int) -> None:
    data, label = facts.data, facts.label(index)
    faces.large(data.images[index], f"face {data.rows[index]}, {label}")
    st.markdown(f"##### {EMOJI.get(label, '')} {label}".replace("  ", " "))
    measured = facts.statistics
    st.caption(
        f"Row {data.rows[index]:,}, {facts.split(index)} · brightness {measured.brightness[index]:.0f}, contrast "
        f"{measured.contrast[index]:.0f}, sharpness rank {facts.sharpness_rank[index]:.0f} of 100"
    )


def _verdict(facts: Facts, order: np.ndarray, index: int, place: int | None) -> None:
    def go_on() -> None:
        st.session_state.setdefault("dataset_judged", []).append(int(facts.data.rows[index]))
        if st.session_state.get("dataset_go_on", True) and place is not None and place < len(order) - 1:
            open_face(facts.data, int(order[place + 1]))

    def back() -> None:
        if rows := st.session_state.get("dataset_judged"):
            face_link.open_row(rows.pop())

    verdict_buttons.for_one(facts, index, go_on, back)
    st.toggle("Go on to the next face", True, key="dataset_go_on", persist_state="session")
    st.caption(f"Keys: {verdict_buttons.KEYS}")


def _votes(facts: Facts, index: int) -> None:
    if facts.votes is None:
        st.caption("With FER+ votes, what ten people said stands here: see Votes.")
        return
    st.markdown(f"**FER+ voters:** {votes_in_words(facts.votes, index)}")
    known = facts.votes.for_classes()[index]
    total = max(1, int(facts.votes.counts[index].sum()))
    faces.probability_bars(
        {name: int(n) / total for name, n in zip(facts.data.label_names, known, strict=True)}
    )
    bits = float(vote_entropy(type(facts.votes)(facts.votes.counts[index : index + 1]))[0])
    st.caption(f"Entropy of the votes: {bits:.2f} bits (0: all agree).")


def _says(facts: Facts, index: int, bundle: Bundle | None) -> None:
    if bundle is None:
        st.caption("With a model, its probabilities stand here: train one on the Train page.")
        return
    try:
        row = _classifier(bundle, str(bundle.path), model.key_of(bundle)).probabilities(
            facts.data.images[index : index + 1]
        )[0]
    except FerError as error:
        st.caption(str(error))
        return
    st.markdown(f"**{bundle.name} says**")
    faces.probability_bars({name: float(p) for name, p in zip(bundle.labels, row, strict=True)})


def _copies(facts: Facts, index: int) -> None:
    copies = facts.copies_of(index)
    if not len(copies):
        return
    st.markdown(f"**{len(copies)} {'copy' if len(copies) == 1 else 'copies'}**")
    _row(facts, copies[:_COPIES_AT_MOST], "dataset_face_copies", [""] * len(copies))


def _neighbours(facts: Facts, index: int, bundle: Bundle | None) -> None:
    features = None if bundle is None else _features(facts, bundle)
    if features is None:
        st.caption("Faces that a model finds alike stand here once its map of these data was made.")
        return
    found, similarity = nearest(features, index, _NEIGHBOURS)
    st.markdown(f"**Most alike to {bundle.name}**")
    _row(facts, found, "dataset_face_alike", [f"{s:.2f} alike" for s in similarity])


def _row(facts: Facts, indices: np.ndarray, key: str, notes: list[str]) -> None:
    shown = [
        face_grid.Face(int(i), facts.data.images[i], facts.label(int(i)), (facts.split(int(i)), note))
        for i, note in zip(indices, notes, strict=False)
    ]
    face_grid.show(shown, key, on_open=lambda i: open_face(facts.data, i), least=80)


def _features(facts: Facts, bundle: Bundle) -> np.ndarray | None:
    key = model.key_of(bundle)
    return (
        _load_features(facts.data, bundle, facts.key, key)
        if kept.path("features", facts.data, key).is_file()
        else None
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _load_features(_data: Dataset, _bundle: Bundle, key: str, model_key: str) -> np.ndarray | None:
    return load_features(_data, _bundle)


@st.cache_resource(max_entries=3, show_spinner=False)
def _classifier(_bundle: Bundle, path: str, model_key: str) -> Classifier:
    return Classifier(_bundle)
