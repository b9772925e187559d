"""Sweeps: hyperparameter search with many runs."""

from __future__ import annotations

import streamlit as st

from fer_core.config import RunConfig
from fer_core.errors import ConfigError
from fer_core.process_folder import OPEN_STATES, RUNNING_STATES
from fer_core.runs import queue
from fer_core.runs.sweep_folder import SweepConfig, SweepFolder, list_sweeps, new_sweep_folder
from fer_core.runs.table import RunRow, run_rows
from fer_core.storage import runs_folder
from fer_core.wording import plural
from pages.session import data_source
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts

from . import curves, run_link, run_state, setup

_REFRESH_SECONDS = 3.0
# Settings that are searched most often, with ranges that suit most presets.
_SUGGESTED = {
    "train.learning_rate": "1e-4..1e-1:log",
    "train.batch_size": "32, 64, 128",
    "train.weight_decay": "1e-5..1e-2:log",
    "train.optimizer": "adam, sgd",
    "train.label_smoothing": "0..0.2",
    "augment.rotation": "0..20",
    "augment.shift": "0..0.15",
    "augment.erase": "0..0.5",
    "augment.flip": "true, false",
}


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
        "A list such as 16, 32, 64; a range such as 0..20, 0..20:5 (in steps) or 1e-4..1e-1:log "
        "(logarithmic). Settings have the names SECTION.NAME, as in the settings of a run."
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
    initial = [
        {"Setting": path, "Range": _SUGGESTED[path]} for path in ("train.learning_rate", "train.batch_size")
    ]
    options = {
        "Setting": st.column_config.SelectboxColumn(options=[*_SUGGESTED, *_others(config)], required=True),
        "Range": st.column_config.TextColumn(required=True),
    }
    table = st.data_editor(
        initial, num_rows="dynamic", column_config=options, key="sweep_space", hide_index=True
    )
    if st.button("Start the sweep", type="primary", icon=":material/play_arrow:", key="sweep_start"):
        space = {
            str(row["Setting"]): str(row["Range"]) for row in table if row.get("Setting") and row.get("Range")
        }
        if not space:
            raise ConfigError("The search space is empty: add a setting and its range.")
        sweep = new_sweep_folder(runs_folder(), config.preset or "run")
        sweep.create(
            SweepConfig.make(
                config.replace("train", epochs=int(epochs)), space, trials=int(trials), pruner=pruner
            )
        )
        queue.submit(sweep)
        st.session_state["sweep_chosen"] = sweep.name
        st.rerun()


def _others(config: RunConfig) -> list[str]:
    paths = [
        f"{section}.{name}"
        for section in ("train", "augment")
        for name in type(getattr(config, section)).model_fields
    ]
    paths += [f"model.hparams.{name}" for name in config.model.hparams if name != "blocks"]
    return [
        path
        for path in paths
        if path not in _SUGGESTED and path not in ("train.epochs", "train.teacher", "train.start_from")
    ]


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
        if st.button("Watch this run", icon=":material/show_chart:", key="sweep_watch"):
            run_link.open_run(best.run.name)
            st.rerun(scope="app")
        figure = curves.parallel_coordinates(
            [row.config for row in measured if row.config], [row.best_accuracy or 0.0 for row in measured]
        )
        if figure is not None and len(measured) > 1:
            st.plotly_chart(figure, config=charts.CONFIG, key=f"sweep_parallel_{sweep.name}")
        _table(measured, list(config.space))


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
