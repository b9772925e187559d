"""Quiz: classify thirty faces and compare yourself with the model and the votes. Nothing is stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from fer_core.data import UNLABELLED
from fer_core.data.vote_counts import Votes
from fer_core.emotions import EMOJI, NAMES
from fer_core.evaluation.comparison import compare
from fer_core.metrics.classification import confusion
from fer_core.metrics.interval import Proportion
from pages.session.foreign_text import plain
from pages.widgets import charts, faces

from . import face_list, plots
from .selection import Selection

FACES = 30
_STATE = "evaluate_quiz"


@dataclass(frozen=True)
class Quiz:
    """A running or finished quiz."""

    key: str  # key of the evaluation
    positions: np.ndarray  # (n,) positions in the record, in the order of the questions
    answers: tuple[int, ...] = field(default=())  # positions in the labels

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.positions)


def draw(true: np.ndarray, classes: int, count: int, seed: int) -> np.ndarray:
    """Draw the positions of `count` images in random order, balanced over the classes as far as possible."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(true))
    # Number of images of the same class before each image: the first of every class, then the second, ...
    turn = np.empty(len(true), np.int64)
    for label in range(classes):
        of_class = mixed[true[mixed] == label]
        turn[of_class] = np.arange(len(of_class))
    chosen = mixed[np.argsort(turn[mixed], kind="stable")][:count]
    return rng.permutation(chosen)


def under_way(selection: Selection) -> bool:
    """Return whether a quiz on these faces is running or finished; then it takes the whole view."""
    quiz: Quiz | None = st.session_state.get(_STATE)
    return quiz is not None and quiz.key == selection.key


def show(selection: Selection) -> None:
    """Draw the start button, the current face or the result."""
    if selection.data is None or selection.indices is None:
        st.caption("The quiz needs the images, which are not on this machine.")
        return
    quiz: Quiz | None = st.session_state.get(_STATE)
    if quiz is None or not under_way(selection):
        st.markdown(
            f"{min(FACES, len(selection.record))} faces of {plain(selection.record.split)}, balanced over "
            "the classes. At the end you see your result beside that of the model and of the votes on the "
            "same faces. Nothing leaves this page."
        )
        st.button(
            "Start the quiz",
            key="evaluate_quiz_start",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(selection,),
        )
    elif quiz.done:
        _result(selection, quiz)
    else:
        st.fragment(_ask)(selection)


def _start(selection: Selection) -> None:
    record = selection.record
    positions = draw(record.true, len(record.labels), FACES, secrets.randbits(32))
    st.session_state[_STATE] = Quiz(selection.key, positions)


def _answer(label: int) -> None:
    quiz: Quiz = st.session_state[_STATE]
    if not quiz.done:  # two quick key presses may arrive before the last face is gone
        st.session_state[_STATE] = replace(quiz, answers=(*quiz.answers, label))


def _undo() -> None:
    quiz: Quiz = st.session_state[_STATE]
    st.session_state[_STATE] = replace(quiz, answers=quiz.answers[:-1])


def _end() -> None:
    st.session_state.pop(_STATE, None)


def _ask(selection: Selection) -> None:
    """Draw the current face; a fragment."""
    quiz: Quiz | None = st.session_state.get(_STATE)
    if quiz is None or quiz.done:
        st.rerun()
    assert selection.data is not None and selection.indices is not None
    turn, count = len(quiz.answers), len(quiz.positions)
    st.progress(turn / count, text=f"Face {turn + 1} of {count}")
    image = selection.data.images[selection.indices[quiz.positions[turn]]]
    left, right = st.columns([2, 3], gap="medium")
    with left:
        faces.large(image, f"face {turn + 1} of {count}")
    with right:
        with st.container(horizontal=True):
            for number, label in enumerate(selection.record.labels):
                st.button(
                    f"{EMOJI.get(label, '')} {plain(label)}",
                    key=f"evaluate_quiz_{label}",
                    shortcut=str(number + 1),
                    width=150,
                    on_click=_answer,
                    args=(number,),
                )
        with st.container(horizontal=True):
            st.button(
                "Undo",
                key="evaluate_quiz_undo",
                icon=":material/undo:",
                shortcut="U",
                type="tertiary",
                on_click=_undo,
                disabled=not quiz.answers,
            )
            st.button(
                "End the quiz",
                key="evaluate_quiz_end",
                icon=":material/close:",
                type="tertiary",
                on_click=_end,
            )
        st.caption("Keys: 1 to 7 answer, U undoes the last answer.")


def _result(selection: Selection, quiz: Quiz) -> None:
    record = selection.record
    true, model, yours = record.true[quiz.positions], record.predicted[quiz.positions], np.array(quiz.answers)
    sides = {"You": yours, record.model: model}
    votes = _majority(selection, quiz.positions)
    if votes is not None:
        sides["Votes"] = votes
    with st.container(horizontal=True):
        for name, predicted in sides.items():
            answered = predicted != UNLABELLED
            hits = Proportion(int((predicted == true)[answered].sum()), int(answered.sum()))
            low, high = hits.interval
            st.metric(
                plain(name),
                f"{hits.hits:,} of {hits.count:,}",
                border=True,
                width=220,
                delta=f"95%: {low:.0%} to {high:.0%}",
                delta_color="off",
                delta_arrow="off",
                help="Faces with a majority of votes." if name == "Votes" else None,
            )
    st.caption(
        f"The truth is {'the majority of the votes' if record.truth == 'votes' else 'the label'}. "
        f"{len(true)} faces give wide intervals: {plain(_verdict(true, yours, model, record.model))}"
    )
    for place, (name, predicted) in zip(st.columns(len(sides), gap="medium"), sides.items(), strict=True):
        answered = predicted != UNLABELLED
        counts = confusion(true[answered], predicted[answered], len(record.labels))
        place.plotly_chart(
            plots.small_matrix(counts, record.labels, ("true", name)),
            config=charts.CONFIG,
            key=f"evaluate_quiz_matrix_{name}",
            alt=f"Confusion matrix of {name}: {int(np.trace(counts))} of {int(counts.sum())} right",
        )
    with st.container(horizontal=True):
        st.button(
            "Another quiz",
            key="evaluate_quiz_start",
            icon=":material/replay:",
            on_click=_start,
            args=(selection,),
        )
        st.button("Back", key="evaluate_quiz_end", icon=":material/arrow_back:", on_click=_end)
    differ = np.flatnonzero((yours != true) | (model != true))
    st.markdown(
        "##### Faces that you or the model got wrong"
        if len(differ)
        else "##### You and the model got every face right"
    )
    if len(differ):
        notes = [
            _notes(record.labels, yours[i], model[i], None if votes is None else votes[i], record.model)
            for i in differ
        ]
        face_list.show(selection, quiz.positions[differ], "evaluate_quiz_faces", notes, per_page=FACES)


def _notes(labels: tuple[str, ...], yours: int, model: int, votes: int | None, name: str) -> tuple[str, ...]:
    notes = (f"you: {labels[yours]}", f"{name}: {labels[model]}")
    return notes if votes is None else (*notes, f"votes: {labels[votes] if votes != UNLABELLED else 'split'}")


def _verdict(true: np.ndarray, yours: np.ndarray, model: np.ndarray, name: str) -> str:
    """Return a sentence on whether you and the model differ by more than chance."""
    classes = np.eye(1 + max(yours.max(), model.max()))
    comparison = compare(classes[model], classes[yours], true)
    if comparison.noise:
        return f"there is no difference between you and {name} beyond chance."
    return f"even so, {'you are' if comparison.difference > 0 else f'{name} is'} better by more than chance."


def _majority(selection: Selection, positions: np.ndarray) -> np.ndarray | None:
    """Return the majority votes as positions in the labels; None without votes or if they are the truth."""
    record = selection.record
    if record.votes is None or record.truth == "votes" or set(record.labels) != set(NAMES):
        return None
    majority = Votes(record.votes[positions]).majority().astype(np.int64)
    return np.where(
        majority == UNLABELLED, UNLABELLED, np.array([record.labels.index(name) for name in NAMES])[majority]
    )
