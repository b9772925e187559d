"""Overview: the class balance, mean faces, distributions, and anomalies of the data."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.data import SPLITS, UNLABELLED
from fer_core.data.measures import MEASURES
from fer_core.emotions import COLOURS, EMOJI
from fer_core.quality.statistics import oddities
from pages.session.foreign_text import plain
from pages.widgets import charts, faces

from . import filters
from .dataset_view import UNKNOWN, DatasetView

_BINS = 40
_SORTS = {
    "Brightness": ("Darkest first", "Brightest first"),
    "Contrast": ("Lowest contrast first",),
    "Sharpness": ("Most blurred first", "Sharpest first"),
}
_SPLIT_COLOURS = {"train": charts.TRAIN, "validation": charts.VALIDATION, "test": "#009E73"}


def show(dataset: DatasetView) -> None:
    """Draw the view."""
    data = dataset.data
    counts = data.counts()
    with st.container(horizontal=True):
        st.metric("Images", f"{len(data):,}", border=True, width=150)
        for split, labels in counts.items():
            st.metric(plain(split.capitalize()), f"{sum(labels.values()):,}", border=True, width=150)
    _anomalies(dataset)
    st.subheader("Class balance")
    unit = st.segmented_control(
        "Unit",
        ["Images", "Share of the split"],
        default="Images",
        required=True,
        key="dataset_unit",
        label_visibility="collapsed",
    )
    st.plotly_chart(
        _class_balance(counts, as_share=unit != "Images"),
        config=charts.CONFIG,
        key="dataset_balance",
        alt="; ".join(
            f"{split}: " + ", ".join(f"{name} {n:,}" for name, n in row.items())
            for split, row in counts.items()
        ),
    )
    st.subheader("Mean face of each class")
    _mean_faces(dataset)
    st.subheader("Light and focus")
    _distributions(dataset)


def _class_balance(counts: dict[str, dict[str, int]], as_share: bool) -> go.Figure:
    """Draw bars of the images per class, a group for each split."""
    figure = go.Figure()
    splits = list(counts)
    names = [*COLOURS, "unlabelled"]
    for name in names:
        values = [counts[s].get(name, 0) for s in splits]
        if not any(values):
            continue
        totals = [max(1, sum(counts[s].values())) for s in splits]
        heights = [v / t for v, t in zip(values, totals, strict=True)] if as_share else values
        figure.add_bar(
            x=splits,
            y=heights,
            name=name,
            marker_color=COLOURS.get(name, "#8C8C8C"),
            customdata=np.stack([values, totals], 1),
            hovertemplate=f"{name}, %{{x}}: %{{customdata[0]:,}} of %{{customdata[1]:,}}<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        height=330,
        margin={"l": 80, "r": 10, "t": 10, "b": 76},
        yaxis={
            "title": "share of the split" if as_share else "images",
            "tickformat": ".0%" if as_share else ",d",
        },
        legend={"orientation": "h", "y": -0.15},
    )
    return figure


def _anomalies(dataset: DatasetView) -> None:
    sentences = _oddities(dataset, dataset.key)
    with st.container(border=True):
        if not sentences:
            st.markdown(
                ":material/check_circle: No anomalies: no copies, no empty images, no rare class, no split "
                "that differs from the others."
            )
            return
        st.markdown("**Anomalies**")
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences))


@st.cache_data(max_entries=5, show_spinner=False)
def _oddities(_dataset: DatasetView, key: str) -> list[str]:
    return oddities(_dataset.data, _dataset.statistics)


def _mean_faces(dataset: DatasetView) -> None:
    labels = dataset.data.labels
    counts = np.bincount(labels[labels != UNLABELLED], minlength=len(dataset.data.label_names))
    present = [i for i in range(len(dataset.data.label_names)) if counts[i]]
    faces.gallery(
        dataset.statistics.mean_faces[present],
        [dataset.data.label_names[i] for i in present],
        [f"of {counts[i]:,}" for i in present],
    )


def _distributions(dataset: DatasetView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.segmented_control(
            "What",
            [m.capitalize() for m in MEASURES],
            default="Brightness",
            required=True,
            key="dataset_measure",
        )
        by = st.segmented_control("By", ["Class", "Split"], default="Class", required=True, key="dataset_by")
    helps = {
        "Brightness": "Mean grey value of an image.",
        "Contrast": "Standard deviation of its grey values.",
        "Sharpness": "Variance of its Laplacian on a log scale: the lower, the more blurred.",
    }
    values = getattr(dataset.statistics, measure.lower())
    if measure == "Sharpness":
        values = np.log10(np.maximum(values, 1))
    data = dataset.data
    if by == "Split":
        groups = {
            name: (values[data.splits == SPLITS.index(name)], _SPLIT_COLOURS[name])
            for name in data.split_names()
        }
    else:
        groups = {name: (values[data.labels == i], COLOURS[name]) for i, name in enumerate(data.label_names)}
        groups[UNKNOWN] = (values[data.labels == UNLABELLED], "#B0B0B0")
    groups = {name: group for name, group in groups.items() if len(group[0])}
    st.plotly_chart(
        _histogram(groups, values, measure == "Sharpness"),
        config=charts.CONFIG,
        key="dataset_distribution",
        alt=f"{measure} by {by.lower()}; medians: "
        + ", ".join(f"{n} {np.median(v):.1f}" for n, (v, _) in groups.items()),
    )
    st.caption(helps[measure])
    with st.container(horizontal=True):
        for sort in _SORTS[measure]:
            st.button(
                f"See the faces, {sort[0].lower()}{sort[1:]}",
                key=f"dataset_see_{sort}",
                icon=":material/grid_view:",
                type="tertiary",
                on_click=filters.link,
                kwargs={"sort": sort},
            )


def _histogram(groups: dict[str, tuple[np.ndarray, str]], values: np.ndarray, powers: bool) -> go.Figure:
    """Draw a line for each group: shares of its images, so that rare and frequent classes can be compared."""
    edges = np.linspace(float(values.min()), float(values.max()) + 1e-6, _BINS + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for name, (part, colour) in groups.items():
        share = np.histogram(part, edges)[0] / len(part)
        title = f"{EMOJI.get(name, '')} {name}".strip()
        figure.add_scatter(
            x=middle,
            y=share,
            name=title,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>",
        )
    figure.update_layout(
        height=320,
        margin={"l": 70, "r": 10, "t": 10, "b": 94},
        hovermode="x unified",
        dragmode=False,
        xaxis={"title": "sharpness (log 10)" if powers else None, "fixedrange": True},
        yaxis={
            "title": "share of the images",
            "tickformat": ".0%",
            "fixedrange": True,
            "rangemode": "tozero",
        },
        legend={"orientation": "h", "y": -0.25},
    )
    return figure
