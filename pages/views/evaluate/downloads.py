"""What can be taken along: the report as one page, and what the model answered as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.report.evaluation import evaluation_report
from pages.shared import visitor

from .chosen import Chosen


def show(chosen: Chosen) -> None:
    """The buttons. The files are made when they are clicked."""
    name = f"{chosen.record.model}-{chosen.record.split}"
    with st.container(horizontal=True):
        st.download_button(
            "Report",
            visitor.carried(lambda: _report(chosen)),
            f"{name}.html",
            "text/html",
            key="evaluate_report",
            icon=":material/description:",
            help="All figures on one page that opens anywhere, faces included.",
        )
        st.download_button(
            "Answers",
            lambda: _answers(chosen),
            f"{name}.csv",
            "text/csv",
            key="evaluate_answers",
            icon=":material/table_view:",
            help="A line for each image: row, true class, predicted class, and the probability of every class.",
        )


def _report(chosen: Chosen) -> str:
    record = chosen.record
    command = f"python -m fer_core evaluate --model {chosen.bundle.path.name} --data {record.source} --split {record.split} --report report.html"
    return evaluation_report(record, chosen.data, command=command)


def _answers(chosen: Chosen) -> str:
    record = chosen.record
    names = pd.Series(record.labels)
    table = pd.DataFrame(
        {
            "row": record.rows,
            "true": names[record.true].to_numpy(),
            "predicted": names[record.predicted].to_numpy(),
        }
    )
    return table.join(pd.DataFrame(record.probabilities, columns=list(record.labels))).to_csv(index=False)
