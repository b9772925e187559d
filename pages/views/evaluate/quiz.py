"""The quiz: thirty faces, seven buttons, and how you do beside the model and the voters. Nothing of it is kept on disk."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from fer_core.data import UNLABELLED
from fer_core.data.votes import Votes
from fer_core.emotions import EMOJI, NAMES
from fer_core.evaluation.comparison import compare
from fer_core.evaluation.interval import Proportion
from fer_core.evaluation.metrics import confusion
from pages.shared import charts, faces

from . import face_list, plots
from .chosen import Chosen

FACES = 30
_STATE = "evaluate_quiz"


@dataclass(frozen=True)
class Quiz:
    """A quiz under way or finished."""

    key: str  # of the evaluation that it is about
    positions: np.ndarray  # (n,) of the record, in the order in which they are asked
    answers: tuple[int, ...] = field(default=())  # positions in the labels

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.positions)


def draw(true: np.ndarray, classes: int, count: int, seed: int) -> np.ndarray:
    """Positions of `count` images in mixed order, of each class as many (or all it has): else half of them would be happy or neutral."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(true))
    # How many of its class come before each image: the first of every class, then the second of every class ...
    turn = np.empty(len(true), np.int64)
    for label in range(classes):
        of_class = mixed[true[mixed] == label]
        turn[of_class] = np.arange(len(of_class))
    chosen = mixed[np.argsort(turn[mixed], kind="stable")][:count]
    return rng.permutation(chosen)


def under_way(chosen: Chosen) -> bool:
    """Whether there is one about these faces, to be gone on with or just finished; then it has the page for itself."""
    quiz: Quiz | None = st.session_state.get(_STATE)
    return quiz is not None and quiz.key == chosen.key


def show(chosen: Chosen) -> None:
    """The view: an invitation, a face to judge, or the result."""
    if chosen.data is None or chosen.indices is None:
        st.caption("To try yourself the images are needed, which are not on this machine.")
        return
    quiz: Quiz | None = st.session_state.get(_STATE)
    if quiz is None or not under_way(chosen):
        st.markdown(
            f"{min(FACES, len(chosen.record))} faces of {chosen.record.split}, of each class as many. You see whether you were right at the "
            "end, beside the model and the voters on the same faces. Nothing of it leaves this page."
        )
        st.button(
            "Start the quiz",
            key="evaluate_quiz_start",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(chosen,),
        )
    elif quiz.done:
        _result(chosen, quiz)
    else:
        st.fragment(_ask)(chosen)


def _start(chosen: Chosen) -> None:
    record = chosen.record
    positions = draw(record.true, len(record.labels), FACES, secrets.randbits(32))
    st.session_state[_STATE] = Quiz(chosen.key, positions)


def _answer(label: int) -> None:
    quiz: Quiz = st.session_state[_STATE]
    if not quiz.done:  # two quick keys may come before the last face is gone
        st.session_state[_STATE] = replace(quiz, answers=(*quiz.answers, label))


def _undo() -> None:
    quiz: Quiz = st.session_state[_STATE]
    st.session_state[_STATE] = replace(quiz, answers=quiz.answers[:-1])


def _end() -> None:
    st.session_state.pop(_STATE, None)


def _ask(chosen: Chosen) -> None:
    """The face at turn. It redraws alone."""
    quiz: Quiz | None = st.session_state.get(_STATE)
    if quiz is None or quiz.done:
        st.rerun()
    assert chosen.data is not None and chosen.indices is not None
    turn, count = len(quiz.answers), len(quiz.positions)
    st.progress(turn / count, text=f"Face {turn + 1} of {count}")
    image = chosen.data.images[chosen.indices[quiz.positions[turn]]]
    left, right = st.columns([2, 3], gap="medium")
    with left:
        faces.large(image, f"face {turn + 1} of {count}")
    with right:
        with st.container(horizontal=True):
            for number, label in enumerate(chosen.record.labels):
                st.button(
                    f"{EMOJI.get(label, '')} {label}",
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
        st.caption("Keys: 1 to 7 answer, U takes the last answer back.")


def _result(chosen: Chosen, quiz: Quiz) -> None:
    record = chosen.record
    true, model, mine = record.true[quiz.positions], record.predicted[quiz.positions], np.array(quiz.answers)
    sides = {"You": mine, record.model: model}
    voters = _voters(chosen, quiz.positions)
    if voters is not None:
        sides["Voters"] = voters
    with st.container(horizontal=True):
        for name, said in sides.items():
            known = said != UNLABELLED
            hits = Proportion(int((said == true)[known].sum()), int(known.sum()))
            low, high = hits.interval
            st.metric(
                name,
                f"{hits.hits} of {hits.count}",
                border=True,
                width=220,
                delta=f"95 %: {low:.0%} to {high:.0%}",
                delta_color="off",
                delta_arrow="off",
                help="Faces on which most voters agree." if name == "Voters" else None,
            )
    st.caption(
        f"Right is what {'most voters' if record.truth == 'votes' else 'the labels'} say. {len(true)} faces give wide intervals: "
        f"{_verdict(true, mine, model, record.model)}"
    )
    for place, (name, said) in zip(st.columns(len(sides), gap="medium"), sides.items(), strict=True):
        known = said != UNLABELLED
        counts = confusion(true[known], said[known], len(record.labels))
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
            args=(chosen,),
        )
        st.button("Back", key="evaluate_quiz_end", icon=":material/arrow_back:", on_click=_end)
    differ = np.flatnonzero((mine != true) | (model != true))
    st.markdown(
        "##### Faces that you or the model did not get right"
        if len(differ)
        else "##### You and the model got every face right"
    )
    if len(differ):
        notes = [
            _said(record.labels, mine[i], model[i], None if voters is None else voters[i], record.model)
            for i in differ
        ]
        face_list.show(chosen, quiz.positions[differ], "evaluate_quiz_faces", notes, per_page=FACES)


def _said(labels: tuple[str, ...], mine: int, model: int, voters: int | None, name: str) -> tuple[str, ...]:
    said = (f"you: {labels[mine]}", f"{name}: {labels[model]}")
    return (
        said if voters is None else (*said, f"voters: {labels[voters] if voters != UNLABELLED else 'split'}")
    )


def _verdict(true: np.ndarray, mine: np.ndarray, model: np.ndarray, name: str) -> str:
    """Whether you and the model differ by more than luck on these faces."""
    classes = np.eye(1 + max(mine.max(), model.max()))
    found = compare(classes[model], classes[mine], true)
    if found.noise:
        return f"between you and {name} they show no difference beyond luck."
    return f"even so, {'you are' if found.difference > 0 else f'{name} is'} better here by more than luck."


def _voters(chosen: Chosen, positions: np.ndarray) -> np.ndarray | None:
    """What most voters chose, as positions in the labels; None without votes, or where they are the truth themselves."""
    record = chosen.record
    if record.votes is None or record.truth == "votes" or set(record.labels) != set(NAMES):
        return None
    majority = Votes(record.votes[positions]).majority().astype(np.int64)
    return np.where(
        majority == UNLABELLED, UNLABELLED, np.array([record.labels.index(name) for name in NAMES])[majority]
    )
