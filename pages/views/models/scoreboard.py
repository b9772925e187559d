"""Scoreboard: all models with their accuracies and intervals, one board for each kind of truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from fer_core.evaluation.scoring import test_uses, uses_in_card
from fer_core.wording import plural
from pages.session.foreign_text import plain
from pages.widgets import charts, interval_chart
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus

from . import model_link, speed
from .catalog import Model

MODELS_AT_ONCE = 12  # own runs that are shown at first


@dataclass(frozen=True)
class Board:
    """Models that may be compared: measured on the same images, against the same truth."""

    key: str
    title: str
    meaning: str
    truth: str
    models: list[Model]
    comparable: bool = True


def boards(models: Sequence[Model]) -> list[Board]:
    """Group the models by what they were measured against; a model may be in two groups."""
    shipped_on = {model.fingerprint for model in models if model.shipped}
    ours = [model for model in models if model.fingerprint in shipped_on]

    def group(truth: str) -> list[Model]:
        members = [
            m for m in ours if m.truth == truth or m.figures("test", truth) or m.figures("validation", truth)
        ]
        # stable: models without a figure come last, in their order
        return sorted(members, key=lambda m: -_accuracy(m, truth))

    all_boards = [
        Board(
            "labels",
            "Against the FER2013 labels",
            "The truth is the FER2013 label. Only about two thirds of these labels agree with the "
            "majority of the ten FER+ votes, which keeps every network far from 100%.",
            "labels",
            group("labels"),
        ),
        Board(
            "votes",
            "Against the FER+ votes",
            "The truth is the class with more than half of the FER+ votes; images without such a majority "
            "are left out. This truth is cleaner, so the same network gets higher figures: do not compare "
            "them with those against the labels.",
            "votes",
            group("votes"),
        ),
        Board(
            "other",
            "On other data",
            "Models trained on other images, each measured on its own data. Their figures say nothing "
            "about FER2013.",
            "labels",
            [model for model in models if model not in ours],
            comparable=False,
        ),
    ]
    return [board for board in all_boards if board.models]


def show(board: Board) -> None:
    """Draw chart and table of a board; a row of the table opens its model."""
    st.markdown(f"##### {plain(board.title)}")
    st.caption(plain(board.meaning))
    rows = [_row(model, _truth(board, model), charts.truth_colours()[board.key]) for model in board.models]
    rows = [row for row in rows if row.points]
    if rows:
        interval_chart.show(rows, f"models_scores_{board.key}", board.title)
    _table(board)


def _truth(board: Board, model: Model) -> str:
    return board.truth if board.comparable else model.truth


def _accuracy(model: Model, truth: str) -> float:
    test = model.figures("test", truth)
    return test.accuracy if test else 0.0


def _row(model: Model, truth: str, colour: str) -> Row:
    test, validation = model.figures("test", truth), model.figures("validation", truth)
    points = []
    # Validation first, so that the test figure is drawn on top.
    if validation:
        style = MarkerStyle("validation (chosen on it)", charts.truth_colours()["faint"], "circle-open", 9, 1)
        points.append(Point(style, validation.accuracy, validation.interval, _images(validation.count)))
    if test:
        points.append(Point(MarkerStyle("test", colour), test.accuracy, test.interval, _images(test.count)))
    figure = format_plus_minus(test.accuracy, test.interval) if test else "test not yet measured"
    return Row(model.name, figure, tuple(points))


def _images(count: int | None) -> str:
    return plural(count, "image") if count else ""


def _table(board: Board) -> None:
    fast = speed.milliseconds(board.models)
    rows = []
    for model in board.models:
        truth = _truth(board, model)
        test, validation = model.figures("test", truth), model.figures("validation", truth)
        rows.append(
            {
                "Model": model.name,
                "Data": model.source,
                "Test": _hundred(test.accuracy if test else None),
                "95% interval": f"{test.interval[0]:.1%} to {test.interval[1]:.1%}"
                if test and test.interval
                else None,
                "Without copies": _hundred(test.without_leaked if test else None),
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
    for column in frame.columns.difference(["Model", "Data", "95% interval"]):
        # pandas cannot infer the type of a column without figures
        frame[column] = frame[column].astype("Float64")
    accuracy = "%.1f%%"
    number = st.column_config.NumberColumn
    config = {
        "Model": st.column_config.TextColumn(pinned=True),
        "Test": number(
            format=accuracy, help="Accuracy on the test split (PrivateTest), on which nothing was chosen."
        ),
        "95% interval": st.column_config.TextColumn(help="Wilson interval of the accuracy."),
        "Without copies": number(
            format=accuracy, help="Test accuracy without the images that also occur in the training split."
        ),
        "Validation": number(
            format=accuracy,
            help="Accuracy on the validation split (PublicTest), on which epochs and models are chosen.",
        ),
        "Macro F1": number(
            format="%.3f", help="On the test split: the unweighted mean of the F1 of the classes."
        ),
        "Calibration error": number(
            format=accuracy,
            help="On the test split: mean gap between confidence and accuracy (expected calibration error, "
            "15 bins).",
        ),
        "Test uses": number(
            help="How often the model was scored on its test split, by its card and on this machine. Each "
            "use is a chance to select on the test split, so the number should stay small."
        ),
        "Parameters": number(format="localized"),
        "File": number(format="%.2f MB", help="Size of the LiteRT file that the app runs."),
        "One image": number(
            format="%.2f ms", help="Median time for a single image, measured on one thread of this machine."
        ),
    }
    key = f"models_table_{board.key}"

    def open_chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            model_link.open_model(board.models[rows[0]])

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
    """Return how often the test split was used, or None where neither card nor machine recorded a use."""
    uses = test_uses(model.fingerprint, model.bundle.name) if model.fingerprint else 0
    recorded = uses_in_card(model.bundle.card)
    if not model.shipped:
        return uses if recorded is None else recorded
    return (recorded or 0) + uses or None


def _hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def listed(models: Sequence[Model], everything: bool) -> list[Model]:
    """Return the shipped models and the newest own ones, or all models."""
    newest = [model.name for model in models if not model.shipped][:MODELS_AT_ONCE]
    return [model for model in models if everything or model.shipped or model.name in newest]
