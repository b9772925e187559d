"""All runs: a table to search, cards on a phone, and what one does with one or several of them."""

from __future__ import annotations

import html
import itertools
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from fer_core.errors import FerError
from fer_core.process_folder import OPEN_STATES
from fer_core.runs import manage, queue
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.table import RunRow, run_rows
from fer_core.storage import runs_folder
from pages.session import data_source, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts
from pages.widgets.component import style
from pages.widgets.durations import duration

from . import curves, run_cards, run_link, run_state, train_again

_CARDS = "runs_cards"
_REFRESH_SECONDS = 3.0
_OVERLAID_AT_MOST = 20
_OVERLAYS = (  # column of the history and title
    ("val_accuracy", "Validation accuracy"),
    ("val_loss", "Validation loss"),
    ("accuracy", "Training accuracy"),
    ("loss", "Training loss"),
    ("learning_rate", "Learning rate"),
)


def show() -> None:
    """Draw the queue, the table of runs, and the selected runs."""
    with errors_shown():
        rows = run_rows(runs_folder())
        under_way = any(row.state in OPEN_STATES for row in rows)
        st.fragment(_queue, run_every=_REFRESH_SECONDS if under_way else None)()
        if not rows:
            st.info(
                "No run yet. The quick network learns the embedded faces in less than a minute.",
                icon=":material/rocket_launch:",
            )
            return
        chosen = _table(rows)
        if not chosen:
            st.caption(
                "Select runs: one to rename, annotate, download or delete it, several to compare them."
            )
        elif len(chosen) == 1:
            _one(chosen[0])
        else:
            _compare(chosen)


def _queue() -> None:
    """Draw the queue, and start its worker if needed; a fragment that refreshes."""
    parent = runs_folder()
    with errors_shown():
        queue.ensure_worker(parent)
        registry = Registry(parent)
        waiting = registry.queue()
        if not waiting:
            return
        with st.container(border=True):
            st.markdown(f"**Queue** · running: {plain(', '.join(queue.under_way(parent)) or 'nothing')}")
            for i, name in enumerate(waiting):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.markdown(f"{i + 1}. {plain(name)}", width="stretch")
                    with st.container(horizontal=True, width="content"):  # wraps as one
                        if st.button(
                            "Earlier", icon=":material/arrow_upward:", key=f"queue_up_{name}", disabled=i == 0
                        ):
                            registry.reorder([*waiting[: i - 1], name, waiting[i - 1]])
                            st.rerun()
                        if st.button("Remove", icon=":material/playlist_remove:", key=f"queue_out_{name}"):
                            queue.leave_queue(RunFolder(parent / name))
                            st.rerun()
            if visitor.hosted() is not None:
                return
            count = st.number_input(
                "Parallel runs",
                1,
                8,
                registry.parallel(),
                key="queue_parallel",
                width=160,
                help="More than one makes each run slower.",
            )
            if count != registry.parallel():
                registry.set_parallel(int(count))


def _table(rows: list[RunRow]) -> list[RunRow]:
    words = (
        st.text_input(
            "Search",
            key="runs_search",
            placeholder="state, preset, data, title or note, such as: finished standard",
            icon=":material/search:",
            label_visibility="collapsed",
        )
        .lower()
        .split()
    )
    shown = [row for row in rows if all(word in _text(row) for word in words)]
    frame = pd.DataFrame([_cells(row) for row in shown])
    if not shown:
        st.info("No run contains all these words.", icon=":material/search_off:")
        return []
    config = {
        "Best": st.column_config.NumberColumn("Best on validation", format="%.1f%%"),
        "Interval": st.column_config.TextColumn("95% interval"),
        "Epochs": st.column_config.TextColumn(),
        "Parameters": st.column_config.NumberColumn(format="localized"),
        "Started": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        "Run": st.column_config.TextColumn(pinned=True),
    }
    st.html(style(__file__))
    # Python does not know the width of the screen: both are drawn, and the stylesheet shows one.
    with st.container(key="runs_wide"):
        event: Any = st.dataframe(
            frame,
            hide_index=True,
            column_config=config,
            on_select="rerun",
            selection_mode="multi-row",
            key="runs_table",
            placeholder="-",
            height=min(35 * len(frame) + 38, 420),
        )
    with st.container(key="runs_narrow"):
        names = run_cards.show(shown, _CARDS)
    rows_chosen = set(event["selection"]["rows"])
    return [row for i, row in enumerate(shown) if i in rows_chosen or row.run.name in names]


def _text(row: RunRow) -> str:
    config = row.config
    parts = [
        row.run.name,
        row.notes.title,
        row.notes.note,
        row.notes.sweep,
        row.state,
        config and config.preset,
        config and config.data.source,
    ]
    return " ".join(str(part) for part in parts if part).lower()


def _cells(row: RunRow) -> dict[str, Any]:
    config = row.config
    return {
        "Run": row.title,
        "State": row.state,
        "Preset": (config.preset or config.model.family) if config else None,
        "Data": data_source.display_name(config.data.source) if config else None,
        "Epochs": f"{row.epochs} of {config.train.epochs}" if config else str(row.epochs),
        "Best": None if row.best_accuracy is None else 100 * row.best_accuracy,
        "Parameters": row.parameters,
        "Interval": f"{row.interval[0]:.1%} to {row.interval[1]:.1%}" if row.interval else None,
        "Trained": duration(row.seconds) if row.seconds else None,
        "Started": datetime.fromtimestamp(row.started) if row.started else None,
        "Sweep": row.notes.sweep,
        "Note": row.notes.note or None,
    }


def _one(row: RunRow) -> None:
    run, registry = row.run, Registry(row.run.path.parent)
    st.markdown(f"#### {plain(row.title)}")
    if row.message:
        st.caption(plain(row.message))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Watch it", icon=":material/show_chart:", key="runs_watch"):
            run_link.open_run(run.name)
            st.rerun()
        train_again.show_button(run, f"runs_again_{run.name}")
        with st.popover("Title and note", icon=":material/edit_note:"):
            title = st.text_input(
                "Title", row.notes.title, placeholder=run.name, key=f"runs_title_{run.name}"
            )
            note = st.text_area("Note", row.notes.note, key=f"runs_note_{run.name}")
            if st.button("Save", icon=":material/check:", key=f"runs_describe_{run.name}"):
                registry.describe(run.name, title=title, note=note)
                st.rerun()
        st.download_button(
            "Download",
            lambda: manage.pack(run),
            f"{run.name}.zip",
            "application/zip",
            icon=":material/download:",
            key=f"runs_pack_{run.name}",
            on_click="ignore",
            help="Records, curves and model as a zip file.",
        )
        with st.popover(
            "Delete", icon=":material/delete:", disabled=row.state in OPEN_STATES and row.state != "queued"
        ):
            st.markdown(f"{plain(row.title)} and its model are deleted permanently.")
            if st.button(
                "Delete it", type="primary", icon=":material/delete:", key=f"runs_delete_{run.name}"
            ):
                manage.delete(run)
                _forget_selection()


def _compare(chosen: list[RunRow]) -> None:
    if len(chosen) > _OVERLAID_AT_MOST:
        st.caption(f"The first {_OVERLAID_AT_MOST} of {len(chosen)} runs are drawn as curves.")
    tabs = st.segmented_control(
        "Compare",
        ["Curves", "Settings", "Parallel coordinates"],
        default="Curves",
        required=True,
        key="runs_compare",
        label_visibility="collapsed",
    )
    if tabs == "Curves":
        _overlay(chosen[:_OVERLAID_AT_MOST])
    elif tabs == "Settings":
        _differences(chosen)
    else:
        _parallel(chosen)
    with st.popover(f"Delete these {len(chosen)} runs", icon=":material/delete:"):
        st.markdown("The runs and their models are deleted permanently; running ones stay.")
        if st.button("Delete them", type="primary", icon=":material/delete:", key="runs_delete_many"):
            for row in chosen:
                if row.state not in OPEN_STATES:
                    manage.delete(row.run)
            _forget_selection()


def _forget_selection() -> None:
    """Draw the page again with no run selected."""
    for key in ("runs_table", _CARDS):
        st.session_state.pop(key, None)
    st.rerun()


def _named(chosen: list[RunRow]) -> dict[str, RunRow]:
    """Return the runs by title, with the name of the folder where titles are equal."""
    titles = [row.title for row in chosen]
    return {
        row.title if titles.count(row.title) == 1 else f"{row.title} ({row.run.name})": row for row in chosen
    }


def _overlay(chosen: list[RunRow]) -> None:
    smoothing = st.slider("Smoothing", 0.0, 0.99, 0.0, 0.01, key="runs_smoothing")
    histories = {name: row.run.history() for name, row in _named(chosen).items()}
    lines = zip(histories, itertools.cycle(curves.MANY))
    st.html(
        '<div class="fer-legend">'
        + "".join(
            f'<span><i style="background:{colour}"></i>{html.escape(name)}</span>' for name, colour in lines
        )
        + "</div>"
    )
    if len({row.fingerprint for row in chosen if row.fingerprint}) > 1:
        st.warning(
            "These runs were not measured on the same data, so their figures cannot be compared.",
            icon=":material/warning:",
        )
    for row_of_columns in (_OVERLAYS[:2], _OVERLAYS[2:]):
        for place, (column, title) in zip(st.columns(len(row_of_columns)), row_of_columns, strict=True):
            place.plotly_chart(
                curves.overlay(histories, column, title, smoothing),
                config=charts.CONFIG,
                key=f"runs_{column}",
                alt=title,
            )


def _differences(chosen: list[RunRow]) -> None:
    complete = {name: (row.config, row.best_accuracy) for name, row in _named(chosen).items() if row.config}
    if not complete:
        raise FerError("The settings of these runs are damaged.")
    first, *others = [config for config, _ in complete.values()]
    paths = list(dict.fromkeys(path for config in others for path in first.differences(config)))
    if not paths:
        st.info("These runs have the same settings.", icon=":material/equal:")
        return
    frame = pd.DataFrame(
        {
            name: [run_state.number(config.setting(path)) for path in paths]
            for name, (config, _) in complete.items()
        },
        index=paths,
    )
    accuracy = {name: f"{best:.1%}" if best is not None else "-" for name, (_, best) in complete.items()}
    frame = pd.concat([frame, pd.DataFrame(accuracy, index=["best on validation"])])
    st.dataframe(frame, column_config={"_index": st.column_config.TextColumn("Setting", pinned=True)})


def _parallel(chosen: list[RunRow]) -> None:
    complete = [
        (row.config, row.best_accuracy) for row in chosen if row.config and row.best_accuracy is not None
    ]
    figure = (
        curves.parallel_coordinates([config for config, _ in complete], [best for _, best in complete])
        if len(complete) > 1
        else None
    )
    if figure is None:
        st.info(
            "Nothing to draw: select several runs with different settings and at least one epoch.",
            icon=":material/equal:",
        )
        return
    st.plotly_chart(figure, config=charts.CONFIG, key="runs_parallel")
    st.caption("Each line is a run; drag along an axis to filter.")
