"""Map: every face is a point, close to faces that a model finds similar; a lasso selects faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.bundles.bundle import Bundle
from fer_core.data import SPLITS
from fer_core.emotions import COLOURS
from fer_core.process_folder import OPEN_STATES
from fer_core.quality import map_job, result_cache
from fer_core.quality.embedding import load_map
from fer_core.wording import plural
from pages.session import helpers
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.paging import page_of

from . import gallery, map_hover, model_answers, verdict_buttons
from .dataset_view import DatasetView

_REFRESH_SECONDS = 1.5
_PER_PAGE = 60
_GREY = "#8C8C8C"
_SPLIT_COLOURS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}
_WAYS = {"Neighbours (t-SNE)": "tsne", "Two directions (PCA)": "pca"}


def show(dataset: DatasetView) -> np.ndarray:
    """Draw the view and return the positions of the selected faces."""
    no_faces = np.empty(0, np.int64)
    bundle = model_answers.choose()
    if bundle is None:
        return no_faces
    under_way = map_job.folder(dataset.data, bundle).status()["state"] in OPEN_STATES
    if under_way:
        st.fragment(_bar, run_every=_REFRESH_SECONDS)(
            dataset, bundle, _file(dataset, bundle, "pca").is_file()
        )
    places = {
        method: points
        for method, name in _WAYS.items()
        if (points := _places(dataset, bundle, name)) is not None
    }
    if not places:
        if not under_way:
            _offer(dataset, bundle)
        return no_faces
    if len(places) > 1:
        method = st.segmented_control(
            "Map",
            list(places),
            format_func=plain,
            default=next(iter(places)),
            required=True,
            key="map_way",
            label_visibility="collapsed",
        )
    else:
        method = next(iter(places))
        st.caption(f"{plain(method)}: the t-SNE map is being computed." if under_way else plain(method))
    colouring = st.segmented_control(
        "Colour", _colourings(dataset, bundle), default="Label", required=True, key="map_colour"
    )
    figure = _figure(places[method], *_groups(dataset, bundle, colouring))
    event: Any = st.plotly_chart(
        figure,
        config=charts.CONFIG | {"scrollZoom": True},
        key=f"map_{method}_{colouring}",
        on_select="rerun",
        selection_mode=("lasso", "box", "points"),
    )
    map_hover.show(dataset, f"map_{method}_{colouring}")
    st.caption(
        "Point at a face to see it. Draw a lasso around points to see their faces; a double click clears the "
        "selection. The wheel zooms."
    )
    return _selected(dataset, event)


def _offer(dataset: DatasetView, bundle: Bundle) -> None:
    st.markdown(
        f"**{plain(bundle.name)}** has not processed these faces yet. On the map, similar faces are close to "
        "each other."
    )
    minutes = len(dataset.data) / 12_000
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the map", icon=":material/scatter_plot:", key="map_make", type="primary"):
            with errors_shown():
                map_job.start(dataset.data, bundle, helpers.detached("The map"))
            st.rerun()
        st.caption(f"About {max(1, round(minutes))} min, once, in a process of its own.", width="stretch")
    job = map_job.folder(dataset.data, bundle).status()
    if job["state"] in ("failed", "interrupted"):
        st.error(f"The last attempt ended: {plain(job['message'])}", icon=":material/error:")


def _bar(dataset: DatasetView, bundle: Bundle, first_shown: bool) -> None:
    job = map_job.folder(dataset.data, bundle).status()
    if job["state"] not in OPEN_STATES:
        st.rerun()
    if not first_shown and _file(dataset, bundle, "pca").is_file():  # the PCA map is finished
        st.rerun()
    share = min(1.0, float(job.get("share", 0.0)))
    st.progress(share, text=f"{plain(job['message'] or 'Starting')} ... {share:.0%}")


@st.cache_data(max_entries=6, show_spinner=False)
def _saved(
    _data: Any, key: str, _bundle: Bundle, model_key: str, method: str, tried: int
) -> np.ndarray | None:
    return load_map(_data, _bundle, method)


def _file(dataset: DatasetView, bundle: Bundle, method: str) -> Path:
    return result_cache.path(f"map-{method}", dataset.data, model_answers.key_of(bundle))


def _places(dataset: DatasetView, bundle: Bundle, method: str) -> np.ndarray | None:
    path = _file(dataset, bundle, method)
    return (
        _saved(
            dataset.data, dataset.key, bundle, model_answers.key_of(bundle), method, path.stat().st_mtime_ns
        )
        if path.is_file()
        else None
    )


def _colourings(dataset: DatasetView, bundle: Bundle) -> list[str]:
    colourings = ["Label", "Split"]
    if model_answers.saved(dataset, bundle) is not None:
        colourings += ["Prediction", "Right or wrong"]
    return [*colourings, "Votes"] if dataset.votes is not None else colourings


def _groups(dataset: DatasetView, bundle: Bundle, colouring: str) -> tuple[np.ndarray, list[str], list[str]]:
    """Return the group of each face (N,), and names and colours of the groups."""
    data = dataset.data
    names = list(data.label_names)
    if colouring == "Split":
        return data.splits.astype(int), list(SPLITS), [_SPLIT_COLOURS[split] for split in SPLITS]
    labels = np.where(data.labels < 0, len(names), data.labels).astype(int)
    classes = ([*names, "none"], [*(COLOURS[name] for name in names), _GREY])
    answers, votes = model_answers.saved(dataset, bundle), dataset.votes
    if colouring == "Prediction" and answers is not None:
        return np.where(answers.predicted < 0, len(names), answers.predicted), *classes
    if colouring == "Right or wrong" and answers is not None:
        group = np.where(answers.predicted < 0, 2, (answers.predicted != data.labels).astype(int))
        return group, ["right", "wrong", "no prediction"], ["#56B4E9", "#D55E00", _GREY]
    if colouring == "Votes" and votes is not None:
        majority = votes.majority().astype(int)
        return np.where(majority < 0, len(names), majority), *classes
    return labels, *classes


def _figure(places: np.ndarray, group: np.ndarray, names: list[str], colours: list[str]) -> go.Figure:
    figure = go.Figure()
    size = 9 if len(places) < 3000 else 5 if len(places) < 15_000 else 3.5
    for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
        members = np.flatnonzero(group == i)
        if len(members):
            figure.add_scattergl(
                x=places[members, 0],
                y=places[members, 1],
                customdata=members.astype(np.int32),
                mode="markers",
                name=name,
                marker={"size": size, "color": colour, "opacity": 0.75},
                hovertemplate=f"{name}, face %{{customdata}}<extra></extra>",
            )
    hidden = {"visible": False}
    figure.update_layout(
        height=620,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        dragmode="lasso",
        xaxis=hidden,
        yaxis=hidden | {"scaleanchor": "x"},
        legend={"orientation": "h", "y": -0.02, "itemsizing": "constant"},
        uirevision="kept",
        hovermode="closest",
    )
    return figure


def _selected(dataset: DatasetView, event: Any) -> np.ndarray:
    points = (event or {}).get("selection", {}).get("points", [])
    selected = np.array(
        sorted({_index(point) for point in points if point.get("customdata") is not None}), np.int64
    )
    selected = selected[(selected >= 0) & (selected < len(dataset.data))]
    if not len(selected):
        return selected
    counts = np.bincount(
        dataset.data.labels[selected][dataset.data.labels[selected] >= 0],
        minlength=len(dataset.data.label_names),
    )
    most = ", ".join(
        f"{dataset.data.label_names[i]} {counts[i]:,}" for i in np.argsort(-counts)[:4] if counts[i]
    )
    st.markdown(f"**{plural(len(selected), 'face')} selected**: {plain(most)}")
    with errors_shown():
        shown_indices = page_of(
            selected, _PER_PAGE, "map_page", f"{dataset.key} {selected[0]} {selected[-1]} {len(selected)}"
        )
        gallery.small(dataset, shown_indices, "map_faces")
        verdict_buttons.for_several(dataset, [int(i) for i in selected], shown_indices)
    return selected


def _index(point: dict[str, Any]) -> int:
    value = point["customdata"]
    return int(value[0] if isinstance(value, list | tuple) else value)
