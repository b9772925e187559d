"""The scoreboard: all models with their accuracies and intervals, apart by what they were measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from fer_core.evaluation.scoring import test_uses, uses_in_card

from . import charts, model_choice, speed
from .interval_chart import Dot, Look, Row, around, interval_chart
from .model_figures import Model

MODELS_AT_ONCE = 12  # of own runs; a long list is asked for


@dataclass(frozen=True)
class Board:
    """Models that may be compared: the same images and the same truth."""

    key: str
    title: str
    meaning: str
    truth: str
    models: list[Model]
    comparable: bool = True


def colours() -> dict[str, str]:
    """A colour for each board, readable on the present background."""
    if charts.is_dark():
        return {"labels": "#56B4E9", "votes": "#E69F00", "other": "#B4B9C8", "faint": "#8C93A6"}
    return {"labels": "#0072B2", "votes": "#B45300", "other": "#5F6678", "faint": "#8C93A6"}


def boards(models: Sequence[Model]) -> list[Board]:
    """The models in groups whose figures may be compared. A model stands in two where it was measured against both truths."""
    shipped_on = {model.fingerprint for model in models if model.shipped}
    ours = [model for model in models if model.fingerprint in shipped_on]

    def group(truth: str) -> list[Model]:
        members = [
            m
            for m in ours
            if m.truth == truth or m.measured("test", truth) or m.measured("validation", truth)
        ]
        return sorted(
            members, key=lambda m: -_accuracy(m, truth)
        )  # stable: what is not measured stays in order, last

    found = [
        Board(
            "labels",
            "Against the labels of FER2013",
            "True is the label that FER2013 gives an image. Only about two thirds of these labels are what the majority of ten FER+ "
            "voters saw, which keeps every network far from 100 %.",
            "labels",
            group("labels"),
        ),
        Board(
            "votes",
            "Against the FER+ voters",
            "True is what more than half of the FER+ voters chose; images without such a majority are left out. These truths are "
            "cleaner, so the same network gets higher figures: don't compare them with those against the labels.",
            "votes",
            group("votes"),
        ),
        Board(
            "other",
            "On other data",
            "Models that were trained on other images, each measured on its own. Their figures say nothing about FER2013.",
            "labels",
            [model for model in models if model not in ours],
            comparable=False,
        ),
    ]
    return [board for board in found if board.models]


def show(board: Board) -> None:
    """The chart and table of one board; a row of the table opens its model."""
    st.markdown(f"##### {board.title}")
    st.caption(board.meaning)
    rows = [_row(model, _truth(board, model), colours()[board.key]) for model in board.models]
    rows = [row for row in rows if row.dots]
    if rows:
        st.plotly_chart(
            interval_chart(rows),
            config=charts.CONFIG,
            key=f"models_scores_{board.key}",
            alt=f"{board.title}: " + "; ".join(f"{row.name} {row.figure}" for row in rows),
        )
    _table(board)


def _truth(board: Board, model: Model) -> str:
    return board.truth if board.comparable else model.truth


def _accuracy(model: Model, truth: str) -> float:
    test = model.measured("test", truth)
    return test.accuracy if test else 0.0


def _row(model: Model, truth: str, colour: str) -> Row:
    test, validation = model.measured("test", truth), model.measured("validation", truth)
    dots = []
    # Validation first, so that the figure that counts is drawn on top.
    if validation:
        look = Look("validation (chosen on it)", colours()["faint"], "circle-open", 9, 1)
        dots.append(Dot(look, validation.accuracy, validation.interval, _images(validation.count)))
    if test:
        dots.append(Dot(Look("test", colour), test.accuracy, test.interval, _images(test.count)))
    figure = around(test.accuracy, test.interval) if test else "test not measured yet"
    return Row(model.name, figure, tuple(dots))


def _images(count: int | None) -> str:
    return f"{count:,} images" if count else ""


def _table(board: Board) -> None:
    fast = speed.milliseconds(board.models)
    rows = []
    for model in board.models:
        truth = _truth(board, model)
        test, validation = model.measured("test", truth), model.measured("validation", truth)
        rows.append(
            {
                "Model": model.name,
                "Data": model.source,
                "Test": _hundred(test.accuracy if test else None),
                "95 % interval": f"{test.interval[0]:.1%} to {test.interval[1]:.1%}"
                if test and test.interval
                else None,
                "Without leaked": _hundred(test.without_leaked if test else None),
                "Validation": _hundred(validation.accuracy if validation else None),
                "Macro F1": test.macro_f1 if test else None,
                "Calibration error": _hundred(test.calibration_error if test else None),
                "Test uses": _test_uses(model),
                "Parameters": model.parameters,
                "File": None if model.bytes is None else model.bytes / 1e6,
                "One image": fast[model.name],
            }
        )
    frame = pd.DataFrame(rows)
    if board.comparable:
        frame = frame.drop(columns="Data")
    for column in frame.columns.difference(["Model", "Data", "95 % interval"]):
        frame[column] = frame[column].astype(
            "Float64"
        )  # a column without any figure has no numbers to tell its type by
    accuracy = "%.1f %%"
    number = st.column_config.NumberColumn
    config = {
        "Model": st.column_config.TextColumn(pinned=True),
        "Test": number(
            format=accuracy, help="Accuracy on the test split (PrivateTest), which nothing was chosen on."
        ),
        "95 % interval": st.column_config.TextColumn(
            help="Wilson interval: where the accuracy on endlessly many such images may lie."
        ),
        "Without leaked": number(
            format=accuracy, help="Test accuracy without the images that also stand in the training split."
        ),
        "Validation": number(
            format=accuracy,
            help="Accuracy on the validation split (PublicTest), on which epochs and models are chosen.",
        ),
        "Macro F1": number(
            format="%.3f", help="On test: the mean of the F1 of the classes, each counted alike."
        ),
        "Calibration error": number(
            format=accuracy,
            help="On test: how far confidence is from accuracy (expected calibration error, 15 bins).",
        ),
        "Test uses": number(
            help="How often its test split was scored: looks that stand in its card, and those on this machine. "
            "Each is a chance to choose by it, so it should stay small."
        ),
        "Parameters": number(format="localized"),
        "File": number(format="%.2f MB", help="Size of the LiteRT file that the app runs."),
        "One image": number(
            format="%.2f ms", help="Measured on this machine just now: median of single images, one thread."
        ),
    }
    key = f"models_table_{board.key}"

    def open_chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            model_choice.open_model(board.models[rows[0]])

    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        placeholder="-",
        on_select=open_chosen,
        selection_mode="single-row",
        key=key,
        alt=f"Figures of the models: {board.title}",
    )


def _test_uses(model: Model) -> int | None:
    """Looks at the test split of the model's own data; None where neither its card nor this machine knows of any."""
    here = test_uses(model.fingerprint, model.bundle.name) if model.fingerprint else 0
    told = uses_in_card(model.bundle.card)
    if not model.shipped:
        return here if told is None else told
    return (told or 0) + here or None


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def listed(models: Sequence[Model], everything: bool) -> list[Model]:
    """The shipped models and the newest own ones, or all."""
    newest = [model.name for model in models if not model.shipped][:MODELS_AT_ONCE]
    return [model for model in models if everything or model.shipped or model.name in newest]
