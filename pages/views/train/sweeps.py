"""Sweeps: search settings with many runs."""

from __future__ import annotations

import streamlit as st

from fer_core.errors import ConfigError
from fer_core.process_folder import OPEN_STATES, RUNNING_STATES
from fer_core.storage import runs_folder
from fer_core.training import run_queue
from fer_core.training.run_table import RunRow, run_rows
from fer_core.training.sweep_folder import SweepConfig, SweepFolder, list_sweeps, new_sweep_folder
from pages.shared import charts, state

from . import curves, run_state, setup

_REFRESH_SECONDS = 3.0
# What people search first, with ranges that make sense for most presets.
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
    """The form for a new sweep, and the sweeps there are."""
    with state.errors_shown():
        state.dataset()
        with st.expander("New sweep", icon=":material/add:", expanded=not list_sweeps(runs_folder())):
            _form()
        sweeps = list_sweeps(runs_folder())
        if not sweeps:
            st.info(
                "No sweep yet. It tries settings of a preset, gives hopeless runs up early, and shows which settings matter.",
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
        "A list such as 16, 32, 64; a range such as 0..20; in steps, 0..20:5; logarithmic, 1e-4..1e-1:log. "
        "Settings are called as in a run's settings, SECTION.NAME."
    )
    config = setup.base_config("sweep_preset")
    first, second, third = st.columns(3)
    epochs = first.number_input(
        "Epochs of a run", 1, 10_000, min(config.train.epochs, 10), key=f"sweep_epochs_{config.preset}"
    )
    trials = second.number_input(
        "Runs", 1, 1000, 12, key="sweep_trials", help=SweepConfig.model_fields["trials"].description
    )
    pruner = third.selectbox(
        "Give up",
        ["median", "hyperband", "none"],
        key="sweep_pruner",
        help=SweepConfig.model_fields["pruner"].description,
    )
    begin = [
        {"Setting": path, "Range": _SUGGESTED[path]} for path in ("train.learning_rate", "train.batch_size")
    ]
    options = {
        "Setting": st.column_config.SelectboxColumn(options=[*_SUGGESTED, *_others(config)], required=True),
        "Range": st.column_config.TextColumn(required=True),
    }
    table = st.data_editor(
        begin, num_rows="dynamic", column_config=options, key="sweep_space", hide_index=True
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
        run_queue.submit(sweep)
        st.session_state["sweep_chosen"] = sweep.name
        st.rerun()


def _others(config) -> list[str]:
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
    with state.errors_shown():
        status, config = sweep.status(), sweep.config()
        if was_open and status["state"] not in OPEN_STATES:
            st.rerun()
        rows = [row for row in run_rows(sweep.path.parent) if row.about.sweep == sweep.name]
        _head(sweep, status, len(rows), config.trials)
        st.caption(
            f"{config.base.preset} on {state.source_name(config.base.data.source)}, {config.base.train.epochs} epochs a run"
        )
        known = [row for row in rows if row.config and row.best_accuracy is not None]
        if not known:
            st.info("The first figures come with the first finished epoch.", icon=":material/hourglass_top:")
            return
        best = max(known, key=lambda row: row.best_accuracy or 0.0)
        settings = (
            ", ".join(f"{path} = {run_state.number(best.config.setting(path))}" for path in config.space)
            if best.config
            else ""
        )
        st.markdown(
            f"Best so far: **{best.best_accuracy:.1%}** on validation ({best.run.name}) with {settings}"
        )
        if st.button("Watch this run", icon=":material/show_chart:", key="sweep_watch"):
            st.session_state["train_go"] = ("Watch", best.run.name)
            st.rerun(scope="app")
        figure = curves.parallel_coordinates(
            [row.config for row in known if row.config], [row.best_accuracy or 0.0 for row in known]
        )
        if figure is not None and len(known) > 1:
            st.plotly_chart(figure, config=charts.CONFIG, key=f"sweep_parallel_{sweep.name}")
        _table(known, list(config.space))


def _head(sweep: SweepFolder, status: dict, begun: int, trials: int) -> None:
    now = status["state"]
    colour, icon = run_state.LOOK.get(now, ("grey", ":material/help:"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(now, icon=icon, color=colour)
        st.caption(f"{begun} of {trials} runs begun. {status['message']}", width="stretch")
        if now in RUNNING_STATES:
            asked = sweep.stop_requested()
            if st.button(
                "Stopping ..." if asked else "Stop",
                icon=":material/stop:",
                disabled=asked,
                key=f"sweep_stop_{sweep.name}",
            ):
                sweep.request_stop()
                st.rerun()
        elif now == "queued":
            if st.button(
                "Leave the queue", icon=":material/playlist_remove:", key=f"sweep_leave_{sweep.name}"
            ):
                run_queue.leave_queue(sweep)
                st.rerun(scope="app")
        elif now != "finished" and st.button(
            "Go on", icon=":material/play_arrow:", key=f"sweep_resume_{sweep.name}"
        ):
            run_queue.submit(sweep)
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
        column_config={"Best on validation": st.column_config.NumberColumn(format="%.1f %%")},
    )
