"""Downloads: the report as one HTML page, and the predictions as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.csv_cells import harmless
from fer_core.report.evaluation import evaluation_report
from pages.session import visitor

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
            icon=":material/description:",
            help="All figures and faces on one HTML page that works without the app.",
        )
        st.download_button(
            "Predictions",
            lambda: _predictions(selection),
            f"{name}.csv",
            "text/csv",
            key="evaluate_answers",
            icon=":material/table_view:",
            help="One line for each image: row, true class, predicted class, and the probability of every "
            "class.",
        )


def _report(selection: Selection) -> str:
    record = selection.record
    command = (
        f"python -m fer_core evaluate --model {selection.bundle.path.name} --data {record.source} --split "
        f"{record.split} --report report.html"
    )
    return evaluation_report(record, selection.data, command=command)


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
    return table.join(pd.DataFrame(record.probabilities, columns=labels)).to_csv(index=False)
