"""Sweeps: hyperparameter search with many runs."""

from __future__ import annotations

import streamlit as st

from fer_core.emotions import NAMES
from fer_core.errors import ConfigError
from fer_core.process_folder import OPEN_STATES, RUNNING_STATES
from fer_core.runs import queue, search_ranges
from fer_core.runs.sweep_folder import SweepConfig, SweepFolder, create_sweep, list_sweeps
from fer_core.runs.table import RunRow, run_rows
from fer_core.storage import runs_folder
from fer_core.wording import plural
from pages.session import data_source
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts

from . import curves, invalid_values, run_link, run_state, setup

_REFRESH_SECONDS = 3.0
_FIRST = ("train.learning_rate", "train.batch_size")  # searched most often


def show() -> None:
    """Draw the form for a new sweep, and the existing sweeps."""
    with errors_shown():
        data_source.dataset()
        with st.expander("New sweep", icon=":material/add:", expanded=not list_sweeps(runs_folder())):
            _form()
        sweeps = list_sweeps(runs_folder())
        if not sweeps:
            st.info(
                "No sweep yet. A sweep tries settings of a preset, stops hopeless runs early, and shows "
                "which settings matter.",
                icon=":material/travel_explore:",
            )
            return
        names = [sweep.name for sweep in sweeps]
        name = st.selectbox("Sweep", names, key="sweep_chosen")
        sweep = sweeps[names.index(name)]
        open_now = sweep.status()["state"] in OPEN_STATES
        st.fragment(_view, run_every=_REFRESH_SECONDS if open_now else None)(sweep, open_now)


def _form() -> None:
    st.caption(
        "Each setting is searched in a list such as 16, 32, 64, or in a range such as 0..20, 0..20:5 (in "
        "steps) or 1e-4..1e-1:log (logarithmic). The proposals surround the values of the preset."
    )
    config = setup.base_config("sweep_preset")
    first, second, third = st.columns(3)
    epochs = first.number_input(
        "Epochs per run", 1, 10_000, min(config.train.epochs, 10), key=f"sweep_epochs_{config.preset}"
    )
    trials = second.number_input(
        "Runs", 1, 1000, 12, key="sweep_trials", help=SweepConfig.model_fields["trials"].description
    )
    pruner = third.selectbox(
        "Pruning",
        ["median", "hyperband", "none"],
        key="sweep_pruner",
        help=SweepConfig.model_fields["pruner"].description,
    )
    ranges = search_ranges.proposed(config)
    chosen = st.multiselect(
        "Settings to search",
        list(ranges),
        list(_FIRST),
        format_func=plain,
        key=f"sweep_settings_{config.preset}",
        persist_state="session",
    )
    space = {}
    for i, path in enumerate(chosen):
        if i % 3 == 0:
            columns = st.columns(3)
        space[path] = columns[i % 3].text_input(
            plain(path), ranges[path], key=f"sweep_range_{config.preset}_{path}", persist_state="session"
        )
    invalid_values.note()
    if st.button("Start the sweep", type="primary", icon=":material/play_arrow:", key="sweep_start"):
        if not space:
            raise ConfigError("The search space is empty: choose a setting to search.")
        searched = SweepConfig.make(
            config.replace("train", epochs=int(epochs)), space, trials=int(trials), pruner=pruner
        )
        sweep = create_sweep(runs_folder(), searched)
        queue.submit(sweep)
        st.session_state["sweep_chosen"] = sweep.name
        st.rerun()


def _view(sweep: SweepFolder, was_open: bool) -> None:
    with errors_shown():
        status, config = sweep.status(), sweep.config()
        if was_open and status["state"] not in OPEN_STATES:
            st.rerun()
        rows = [row for row in run_rows(sweep.path.parent) if row.notes.sweep == sweep.name]
        _head(sweep, status, len(rows), config.trials)
        st.caption(
            f"{plain(config.base.preset)} on {plain(data_source.display_name(config.base.data.source))}, "
            f"{plural(config.base.train.epochs, 'epoch')} per run"
        )
        measured = [row for row in rows if row.config and row.best_accuracy is not None]
        if not measured:
            st.info("The first figures come with the first finished epoch.", icon=":material/hourglass_top:")
            return
        best = max(measured, key=lambda row: row.best_accuracy or 0.0)
        settings = (
            plain(
                ", ".join(f"{path} = {run_state.number(best.config.setting(path))}" for path in config.space)
            )
            if best.config
            else ""
        )
        st.markdown(
            f"Best so far: **{best.best_accuracy:.1%}** on validation ({plain(best.run.name)}) with "
            f"{settings}"
        )
        _caution(measured, best)
        if st.button("Watch this run", icon=":material/show_chart:", key="sweep_watch"):
            run_link.open_run(best.run.name)
            st.rerun(scope="app")
        figure = curves.parallel_coordinates(
            [row.config for row in measured if row.config], [row.best_accuracy or 0.0 for row in measured]
        )
        if figure is not None and len(measured) > 1:
            st.plotly_chart(figure, config=charts.CONFIG, key=f"sweep_parallel_{sweep.name}")
        _table(measured, list(config.space))


def _caution(measured: list[RunRow], best: RunRow) -> None:
    """Say what keeps the best run from being better than the others."""
    chance = 1 / len(NAMES)
    if best.interval is not None and best.interval[0] <= chance:
        st.warning(
            f"No run is better than chance ({chance:.0%}): try more epochs per run, or lower learning rates.",
            icon=":material/casino:",
        )
        return
    ties = [row.run.name for row in measured if row is not best and row.best_accuracy == best.best_accuracy]
    if ties:
        st.caption(f"{plain(', '.join(ties))} reached the same accuracy.")


def _head(sweep: SweepFolder, status: dict, started: int, trials: int) -> None:
    now = status["state"]
    colour, icon = run_state.badge(now)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(plain(now), icon=icon, color=colour)
        st.caption(
            f"{started} of {plural(trials, 'run')} started. {plain(status['message'])}", width="stretch"
        )
        if now in RUNNING_STATES:
            stopping = sweep.stop_requested()
            if st.button(
                "Stopping ..." if stopping else "Stop",
                icon=":material/stop:",
                disabled=stopping,
                key=f"sweep_stop_{sweep.name}",
            ):
                sweep.request_stop()
                st.rerun()
        elif now == "queued":
            if st.button(
                "Leave the queue", icon=":material/playlist_remove:", key=f"sweep_leave_{sweep.name}"
            ):
                queue.leave_queue(sweep)
                st.rerun(scope="app")
        elif now != "finished" and st.button(
            "Resume", icon=":material/play_arrow:", key=f"sweep_resume_{sweep.name}"
        ):
            queue.submit(sweep)
            st.rerun(scope="app")


def _table(rows: list[RunRow], paths: list[str]) -> None:
    ordered = sorted(rows, key=lambda row: -(row.best_accuracy or 0.0))
    cells = [
        {
            "Run": row.run.name,
            "State": row.state,
            "Best on validation": 100 * (row.best_accuracy or 0.0),
            "Epochs": row.epochs,
        }
        | {path: run_state.number(row.config.setting(path)) for path in paths if row.config}
        for row in ordered
    ]
    st.dataframe(
        cells,
        hide_index=True,
        column_config={"Best on validation": st.column_config.NumberColumn(format="%.1f%%")},
    )
