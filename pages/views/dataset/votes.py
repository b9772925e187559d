"""FER+ votes: where people agree with the labels, where they say something else, and which images are contested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from fer_core.data.votes import FILE_NAME, read_votes
from fer_core.emotions import COLOURS, EMOJI
from fer_core.errors import DataError
from fer_core.evaluation.metrics import wilson_interval
from fer_core.quality.agreement import Agreement, votes_in_words
from pages.shared import charts, scores, state, visitor
from pages.shared.paging import page_of

from . import filters, gallery
from .facts import Facts

_PER_PAGE = 24
_MATRIX = "dataset_votes_matrix"


def show(facts: Facts) -> np.ndarray | None:
    """The view. The positions of the contested faces, in their order."""
    found = facts.agreement
    if found is None or facts.votes is None:
        _absent(facts)
        return None
    agreed, total = (sum(numbers) for numbers in zip(*found.by_class.values(), strict=True))
    low, high = wilson_interval(agreed, total)
    open_votes = int(found.matrix[:, -1].sum())
    st.markdown(
        f"Ten people each looked at {len(facts.data):,} images. On **{agreed / max(1, total):.1%}** of the {total:,} labelled ones "
        f"(95 % interval {low:.1%} to {high:.1%}) more than half of them chose the label; on {open_votes / max(1, total):.1%} nothing has "
        f"more than half of the votes. Without these, people agree with **{agreed / max(1, total - open_votes):.1%}**. Where they disagree with a label, a model cannot be right about both."
    )
    st.subheader("Agreement by class")
    _by_class(found)
    st.subheader("Label against majority")
    _matrix(facts, found)
    st.subheader("How much people disagree")
    st.plotly_chart(
        _entropies(found.entropy),
        config=charts.CONFIG,
        key="dataset_entropy",
        alt="Histogram of the entropy of the votes",
    )
    st.caption(
        "Entropy of an image's votes in bits: 0 where all agree, 1 for two equal halves, 3.3 where all ten say something else."
    )
    st.subheader("Most contested")
    order = np.argsort(-found.entropy, kind="stable")
    here = page_of(order, _PER_PAGE, "dataset_contested_page", facts.key)
    notes = [
        (facts.split(int(i)), f"{found.entropy[i]:.2f} bits", votes_in_words(facts.votes, int(i)))
        for i in here
    ]
    gallery.small(facts, here, "dataset_contested", notes, least=120)
    with st.expander("Other votes", icon=":material/upload_file:"):
        _upload(facts)
    return order


def _absent(facts: Facts) -> None:
    st.info(
        f"These data have no FER+ votes. For FER2013, take `{FILE_NAME}` from the FER+ project of Microsoft (github.com/microsoft/FERPlus) and "
        "put it beside the CSV in the data folder, or upload it here. Votes are joined by row, so the data must keep the order of "
        "FER2013's CSV.",
        icon=":material/how_to_vote:",
    )
    _upload(facts)


def _upload(facts: Facts) -> None:
    path = scores.uploaded_votes(facts.data)
    upload = st.file_uploader(
        f"Votes, as in {FILE_NAME}",
        type=["csv"],
        key="dataset_votes_upload",
        max_upload_size=visitor.upload_megabytes(50),
        help=f"Kept in {visitor.shown_path(path.parent)} for these data.",
    )
    if upload is not None and st.button("Use these votes", key="dataset_use_votes", icon=":material/check:"):
        with state.errors_shown(stop=False):
            _keep(facts, upload.getvalue())
            st.rerun()
    if path.is_file() and st.button(
        "Forget the uploaded votes", key="dataset_forget_votes", icon=":material/delete:"
    ):
        path.unlink(missing_ok=True)
        st.rerun()


def _keep(facts: Facts, content: bytes) -> None:
    visitor.check_upload("The upload", content)
    path = scores.uploaded_votes(facts.data)
    trial = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(content)
        read_votes(trial, facts.data)  # what does not fit is not kept
        trial.replace(path)
    except DataError as error:
        raise DataError(str(error).replace(str(trial), "The upload")) from None
    except OSError as error:
        raise DataError(
            f"The upload cannot be kept in {visitor.shown_path(path.parent)}: {error.strerror}."
        ) from None
    finally:
        trial.unlink(missing_ok=True)


def _by_class(found: Agreement) -> None:
    rows = []
    for name, (agree, count) in found.by_class.items():
        if count:
            low, high = wilson_interval(agree, count)
            rows.append(
                {
                    "Class": f"{EMOJI[name]} {name}",
                    "Images": count,
                    "Voters agree": agree / count,
                    "95 % interval": f"{low:.1%} to {high:.1%}",
                }
            )
    config = {
        "Voters agree": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        "Images": st.column_config.NumberColumn(format="localized"),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=config, alt="Agreement by class")


def _matrix(facts: Facts, found: Agreement) -> None:
    unit = st.segmented_control(
        "Cells show",
        ["Per cent of the row", "Counts"],
        default="Per cent of the row",
        required=True,
        key="dataset_votes_unit",
        label_visibility="collapsed",
    )
    cell = charts.clicked_cell(st.session_state.get(_MATRIX))
    figure = charts.label_matrix(
        found.matrix,
        facts.data.label_names,
        found.columns,
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
    cell = charts.clicked_cell(event)
    if cell is None:
        st.caption("Click a cell to choose its faces. Other: contempt, unknown, or not a face.")
        return
    label, majority = facts.data.label_names[cell[0]], found.columns[cell[1]]
    st.button(
        f"See the {found.matrix[cell]:,} faces labelled {label}, voted {majority}",
        key="dataset_votes_see",
        icon=":material/grid_view:",
        type="primary",
        on_click=filters.link,
        kwargs={"classes": [label], "majority": majority},
        disabled=not found.matrix[cell],
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
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        dragmode=False,
        xaxis={"title": "bits", "fixedrange": True},
        yaxis={"title": "images", "fixedrange": True},
    )
    return figure
