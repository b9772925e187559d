"""The map: every face as a point near those that a model finds alike; a lasso around points shows their faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from fer_core.bundle import Bundle
from fer_core.data import SPLITS
from fer_core.emotions import COLOURS
from fer_core.process_folder import OPEN_STATES
from fer_core.quality import kept, map_job
from fer_core.quality.embedding import load_map
from pages.shared import charts, state
from pages.shared.paging import page_of

from . import gallery, model, verdict_buttons
from .facts import Facts

_REFRESH_SECONDS = 1.5
_PER_PAGE = 60
_GREY = "#8C8C8C"
_SPLIT_COLOURS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}
_WAYS = {"Neighbours (t-SNE)": "tsne", "Two directions (PCA)": "pca"}


def show(facts: Facts) -> np.ndarray:
    """The view. The positions of the faces that are chosen on the map."""
    none = np.empty(0, np.int64)
    bundle = model.choose()
    if bundle is None:
        return none
    under_way = map_job.folder(facts.data, bundle).status()["state"] in OPEN_STATES
    if under_way:
        st.fragment(_bar, run_every=_REFRESH_SECONDS)(facts, bundle, _file(facts, bundle, "pca").is_file())
    places = {
        way: found for way, name in _WAYS.items() if (found := _places(facts, bundle, name)) is not None
    }
    if not places:
        if not under_way:
            _offer(facts, bundle)
        return none
    if len(places) > 1:
        way = st.segmented_control(
            "Map",
            list(places),
            default=next(iter(places)),
            required=True,
            key="map_way",
            label_visibility="collapsed",
        )
    else:
        way = next(iter(places))
        st.caption(f"{way}: the map of neighbours is being made." if under_way else way)
    colouring = st.segmented_control(
        "Colour", _colourings(facts, bundle), default="Label", required=True, key="map_colour"
    )
    figure = _figure(places[way], *_groups(facts, bundle, colouring))
    event: Any = st.plotly_chart(
        figure,
        config=charts.CONFIG | {"scrollZoom": True},
        key=f"map_{way}_{colouring}",
        on_select="rerun",
        selection_mode=("lasso", "box", "points"),
    )
    st.caption("Draw a line around points to see their faces; a double click lets them go. The wheel zooms.")
    return _chosen(facts, event)


def _offer(facts: Facts, bundle: Bundle) -> None:
    st.markdown(
        f"**{bundle.name}** has not looked at these faces yet. On the map, faces that it finds alike are near each other."
    )
    minutes = len(facts.data) / 12_000
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Make the map", icon=":material/scatter_plot:", key="map_make", type="primary"):
            map_job.start(facts.data, bundle)
            st.rerun()
        st.caption(f"About {max(1, round(minutes))} min, once, in a process of its own.", width="stretch")
    job = map_job.folder(facts.data, bundle).status()
    if job["state"] in ("failed", "interrupted"):
        st.error(f"The last attempt ended: {job['message']}", icon=":material/error:")


def _bar(facts: Facts, bundle: Bundle, first_shown: bool) -> None:
    job = map_job.folder(facts.data, bundle).status()
    if job["state"] not in OPEN_STATES:
        st.rerun()
    if not first_shown and _file(facts, bundle, "pca").is_file():  # the first principal components are there
        st.rerun()
    share = min(1.0, float(job.get("share", 0.0)))
    st.progress(share, text=f"{job['message'] or 'Starting'} ... {share:.0%}")


@st.cache_data(max_entries=6, show_spinner=False)
def _kept(
    _data: Any, key: str, _bundle: Bundle, model_key: str, method: str, tried: int
) -> np.ndarray | None:
    return load_map(_data, _bundle, method)


def _file(facts: Facts, bundle: Bundle, method: str) -> Path:
    return kept.path(f"map-{method}", facts.data, model.key_of(bundle))


def _places(facts: Facts, bundle: Bundle, method: str) -> np.ndarray | None:
    path = _file(facts, bundle, method)
    return (
        _kept(facts.data, facts.key, bundle, model.key_of(bundle), method, path.stat().st_mtime_ns)
        if path.is_file()
        else None
    )


def _colourings(facts: Facts, bundle: Bundle) -> list[str]:
    ways = ["Label", "Split"]
    if model.looked(facts, bundle) is not None:
        ways += ["Prediction", "Right or wrong"]
    return [*ways, "Votes"] if facts.votes is not None else ways


def _groups(facts: Facts, bundle: Bundle, colouring: str) -> tuple[np.ndarray, list[str], list[str]]:
    """(N,) group of each face, and the groups' names and colours."""
    data = facts.data
    names = list(data.label_names)
    if colouring == "Split":
        return data.splits.astype(int), list(SPLITS), [_SPLIT_COLOURS[split] for split in SPLITS]
    labels = np.where(data.labels < 0, len(names), data.labels).astype(int)
    classes = ([*names, "none"], [*(COLOURS[name] for name in names), _GREY])
    looked, votes = model.looked(facts, bundle), facts.votes
    if colouring == "Prediction" and looked is not None:
        return np.where(looked.predicted < 0, len(names), looked.predicted), *classes
    if colouring == "Right or wrong" and looked is not None:
        group = np.where(looked.predicted < 0, 2, (looked.predicted != data.labels).astype(int))
        return group, ["right", "wrong", "not known"], ["#56B4E9", "#D55E00", _GREY]
    if colouring == "Votes" and votes is not None:
        majority = votes.majority().astype(int)
        return np.where(majority < 0, len(names), majority), *classes
    return labels, *classes


def _figure(places: np.ndarray, group: np.ndarray, names: list[str], colours: list[str]) -> go.Figure:
    figure = go.Figure()
    size = 9 if len(places) < 3000 else 5 if len(places) < 15_000 else 3.5
    for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
        here = np.flatnonzero(group == i)
        if len(here):
            figure.add_scattergl(
                x=places[here, 0],
                y=places[here, 1],
                customdata=here.astype(np.int32),
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


def _chosen(facts: Facts, event: Any) -> np.ndarray:
    points = (event or {}).get("selection", {}).get("points", [])
    found = np.array(
        sorted({_index(point) for point in points if point.get("customdata") is not None}), np.int64
    )
    found = found[(found >= 0) & (found < len(facts.data))]
    if not len(found):
        return found
    counts = np.bincount(
        facts.data.labels[found][facts.data.labels[found] >= 0], minlength=len(facts.data.label_names)
    )
    most = ", ".join(
        f"{facts.data.label_names[i]} {counts[i]:,}" for i in np.argsort(-counts)[:4] if counts[i]
    )
    st.markdown(f"**{len(found):,} faces chosen**: {most}")
    with state.errors_shown():
        here = page_of(found, _PER_PAGE, "map_page", f"{facts.key} {found[0]} {found[-1]} {len(found)}")
        gallery.small(facts, here, "map_faces")
        verdict_buttons.for_several(facts, [int(i) for i in found], here)
    return found


def _index(point: dict[str, Any]) -> int:
    value = point["customdata"]
    return int(value[0] if isinstance(value, list | tuple) else value)
