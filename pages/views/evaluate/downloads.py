"""Downloads: the report as one HTML page, and the predictions as a table."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from fer_core.csv_cells import harmless
from fer_core.data.measures import MEASURES
from fer_core.data.vote_counts import COLUMNS
from fer_core.quality.tags import Tags
from fer_core.report.evaluation import evaluation_report
from fer_core.runs.command import path_here, repeatable_path
from pages.session import evaluations, file_names, visitor

from .selection import Selection


def show(selection: Selection) -> None:
    """Draw the buttons; a file is made when its button is clicked."""
    name = f"{selection.record.model}-{selection.record.split}"
    with st.container(horizontal=True):
        st.download_button(
            "Report",
            visitor.with_visitor(lambda: _report(selection)),
            f"{name}.html",
            "text/html",
            key="evaluate_report",
            on_click="ignore",  # a run of the page would take the file away before it is made
            icon=":material/description:",
            help="All figures and faces on one HTML page that works without the app.",
        )
        st.download_button(
            "Predictions",
            visitor.with_visitor(lambda: _predictions(selection)),
            f"{name}.csv",
            "text/csv",
            key="evaluate_answers",
            on_click="ignore",
            icon=":material/table_view:",
            help="One line for each image: row, true class, predicted class, the probability of every class, "
            "brightness, contrast, sharpness, and the FER+ votes, file names and your tags if there are any.",
        )
        if selection.data is not None:
            with st.popover("Shell command", icon=":material/terminal:"):
                st.code(_command_here(selection), language="bash", wrap_lines=True)


def _report(selection: Selection) -> str:
    record = selection.record
    # names only: a report goes to others
    command = _command(repeatable_path(str(selection.bundle.path)), record.source, selection)
    return evaluation_report(record, selection.data, command=f"{command} --report report.html")


def _command_here(selection: Selection) -> str:
    source = selection.record.source if selection.data is None else selection.data.source
    path = str(selection.bundle.path)
    model = path_here(path) if visitor.hosted() is None else repeatable_path(path)
    command = _command(model, visitor.shown_source(source), selection)
    if selection.data is None or visitor.hosted() is not None:
        return command
    votes = evaluations.uploaded_votes(selection.data)  # not beside the data, where the shell looks
    return f"{command} --votes {shlex.quote(str(votes))}" if votes.is_file() else command


def _command(model: str, source: str, selection: Selection) -> str:
    record = selection.record
    options = ["--model", model, "--data", source, "--split", record.split, "--truth", record.truth]
    if record.tta != "none":
        options += ["--tta", record.tta]
    return f"python -m fer_core evaluate {shlex.join(options)}"


def _predictions(selection: Selection) -> str:
    record = selection.record
    labels = [harmless(name) for name in record.labels]
    names = pd.Series(labels)
    table = pd.DataFrame(
        {
            "row": record.rows,
            "true": names[record.true].to_numpy(),
            "predicted": names[record.predicted].to_numpy(),
        }
    )
    table = table.join(pd.DataFrame(record.probabilities, columns=labels))
    measures = pd.DataFrame({name: getattr(record, name) for name in MEASURES})
    table = table.join(measures.round(2))
    if record.votes is not None:
        votes = [f"votes {name}" for name in COLUMNS]
        table = table.join(pd.DataFrame(record.votes, columns=votes))
    if selection.data is not None and selection.indices is not None:
        names = file_names.of(selection.data)
        if names is not None:
            table["file"] = [harmless(names[row]) if row < len(names) else "" for row in record.rows]
        tags = Tags(selection.data).all()
        if tags:
            table["tags"] = [harmless("; ".join(tags.get(int(i), ()))) for i in selection.indices]
    return table.to_csv(index=False)
