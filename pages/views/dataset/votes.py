"""Votes: where the FER+ votes agree with the labels, where they differ, and which images are contested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.data.votes import FILE_NAME, read_votes
from fer_core.emotions import COLOURS, EMOJI
from fer_core.errors import DataError
from fer_core.metrics.classification import wilson_interval
from fer_core.quality.agreement import Agreement, votes_in_words
from fer_core.wording import plural
from pages.session import evaluations, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.paging import page_of

from . import filters, gallery
from .dataset_view import DatasetView

_PER_PAGE = 24
_MATRIX = "dataset_votes_matrix"


def show(dataset: DatasetView) -> np.ndarray | None:
    """Draw the view and return the positions of the faces, the most contested first."""
    agreement = dataset.agreement
    if agreement is None or dataset.votes is None:
        _no_votes(dataset)
        return None
    agreed, total = (sum(numbers) for numbers in zip(*agreement.by_class.values(), strict=True))
    low, high = wilson_interval(agreed, total)
    open_votes = int(agreement.matrix[:, -1].sum())
    st.markdown(
        f"Ten people each looked at {len(dataset.data):,} images. For **{agreed / max(1, total):.1%}** of "
        f"the {total:,} labelled images (95% interval {low:.1%} to {high:.1%}), more than half of the votes "
        f"are for the label; for {open_votes / max(1, total):.1%}, no class has more than half. Without the "
        f"latter, **{agreed / max(1, total - open_votes):.1%}** of the labels agree with the votes. Where "
        "they differ, no model can be right about both."
    )
    st.subheader("Agreement by class")
    _by_class(agreement)
    st.subheader("Label against majority")
    _matrix(dataset, agreement)
    st.subheader("How much people disagree")
    st.plotly_chart(
        _entropies(agreement.entropy),
        config=charts.CONFIG,
        key="dataset_entropy",
        alt="Histogram of the entropy of the votes",
    )
    st.caption(
        "Entropy of an image's votes in bits: 0 where all agree, 1 for two equal halves, 3.3 for ten "
        "different votes."
    )
    st.subheader("Most contested")
    order = np.argsort(-agreement.entropy, kind="stable")
    shown_indices = page_of(order, _PER_PAGE, "dataset_contested_page", dataset.key)
    notes = [
        (dataset.split(int(i)), f"{agreement.entropy[i]:.2f} bits", votes_in_words(dataset.votes, int(i)))
        for i in shown_indices
    ]
    gallery.small(dataset, shown_indices, "dataset_contested", notes, min_width=120)
    with st.expander("Other votes", icon=":material/upload_file:"):
        _upload(dataset)
    return order


def _no_votes(dataset: DatasetView) -> None:
    st.info(
        f"These data have no FER+ votes. For FER2013, take `{FILE_NAME}` from Microsoft's FER+ project "
        "(github.com/microsoft/FERPlus) and put it beside the CSV in the data folder, or upload it here. "
        "Votes are joined by row, so the data must keep the order of FER2013's CSV.",
        icon=":material/how_to_vote:",
    )
    _upload(dataset)


def _upload(dataset: DatasetView) -> None:
    path = evaluations.uploaded_votes(dataset.data)
    upload = st.file_uploader(
        f"Votes, as in {FILE_NAME}",
        type=["csv"],
        key="dataset_votes_upload",
        max_upload_size=visitor.upload_megabytes(50),
        help=f"Stored in {plain(visitor.shown_path(path.parent))} for these data.",
    )
    if upload is not None and st.button("Use these votes", key="dataset_use_votes", icon=":material/check:"):
        with errors_shown(stop=False):
            _store(dataset, upload.getvalue())
            st.rerun()
    if path.is_file() and st.button(
        "Delete the uploaded votes", key="dataset_forget_votes", icon=":material/delete:"
    ):
        path.unlink(missing_ok=True)
        st.rerun()


def _store(dataset: DatasetView, content: bytes) -> None:
    visitor.check_upload("The upload", content)
    path = evaluations.uploaded_votes(dataset.data)
    trial = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(content)
        read_votes(trial, dataset.data)  # raises before a file that does not fit is stored
        trial.replace(path)
    except DataError as error:
        raise DataError(str(error).replace(str(trial), "The upload")) from None
    except OSError as error:
        raise DataError(
            f"The upload cannot be stored in {visitor.shown_path(path.parent)}: {error.strerror}."
        ) from None
    finally:
        trial.unlink(missing_ok=True)


def _by_class(agreement: Agreement) -> None:
    rows = []
    for name, (agree, count) in agreement.by_class.items():
        if count:
            low, high = wilson_interval(agree, count)
            rows.append(
                {
                    "Class": f"{EMOJI[name]} {name}",
                    "Images": count,
                    "Voters agree": agree / count,
                    "95% interval": f"{low:.1%} to {high:.1%}",
                }
            )
    config = {
        "Voters agree": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        "Images": st.column_config.NumberColumn(format="localized"),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, alt="Agreement by class")


def _matrix(dataset: DatasetView, agreement: Agreement) -> None:
    unit = st.segmented_control(
        "Cells show",
        ["Percent of the row", "Counts"],
        default="Percent of the row",
        required=True,
        key="dataset_votes_unit",
        label_visibility="collapsed",
    )
    cell = _clicked_cell(st.session_state.get(_MATRIX))
    figure = charts.label_matrix(
        agreement.matrix,
        dataset.data.label_names,
        agreement.columns,
        unit != "Counts",
        cell,
        ("label", "majority of the voters"),
    )
    event: Any = st.plotly_chart(
        figure,
        config=charts.CONFIG,
        on_select="rerun",
        selection_mode="points",
        key=_MATRIX,
        alt="Labels (rows) against the majority of the voters (columns)",
    )
    cell = _clicked_cell(event)
    if cell is None:
        st.caption("Click a cell to select its faces. Other: contempt, unknown, or not a face.")
        return
    label, majority = dataset.data.label_names[cell[0]], agreement.columns[cell[1]]
    st.button(
        f"See the {plural(int(agreement.matrix[cell]), 'face')} labelled {plain(label)}, voted "
        f"{plain(majority)}",
        key="dataset_votes_see",
        icon=":material/grid_view:",
        type="primary",
        on_click=filters.link,
        kwargs={"classes": [label], "majority": majority},
        disabled=not agreement.matrix[cell],
    )


def _entropies(entropy: np.ndarray) -> go.Figure:
    edges = np.arange(0, 3.4, 0.1)
    counts = np.histogram(entropy, edges)[0]
    figure = go.Figure(
        go.Bar(
            x=edges[:-1] + 0.05,
            y=counts,
            marker_color=COLOURS["sad"],
            width=0.09,
            hovertemplate="%{x:.2f} bits: %{y:,} images<extra></extra>",
        )
    )
    figure.update_layout(
        height=260,
        margin={"l": 78, "r": 10, "t": 10, "b": 66},
        dragmode=False,
        xaxis={"title": "bits", "fixedrange": True},
        yaxis={"title": "images", "fixedrange": True},
    )
    return figure


def _clicked_cell(event: Any) -> tuple[int, int] | None:
    """Return the (row, column) that a click on the matrix selected."""
    points = (event or {}).get("selection", {}).get("points", [])
    if not points or "customdata" not in points[0]:
        return None
    row, column = points[0]["customdata"][:2]
    return int(row), int(column)
