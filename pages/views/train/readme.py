"""Repeat the README: a published network from its claim to a measurement."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.bundles.bundle import shipped
from fer_core.config import RunConfig
from fer_core.presets import PRESETS, card, cards
from fer_core.process_folder import OPEN_STATES
from fer_core.runs import queue
from fer_core.runs.run_folder import RunFolder, create_run, list_runs
from fer_core.storage import runs_folder
from fer_core.wording import plural
from pages.session import data_source, source_link
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import charts

from . import curves, invalid_values, run_link, run_state, settings_form, setup

_REFRESH_SECONDS = 2.0
_COLUMNS = {"epoch", "accuracy", "val_accuracy"}
PUBLISHED = [name for name in PRESETS if name.startswith("baseline-")]


def show() -> None:
    """Draw claim, measurement and gap of a network, and the run that repeats it."""
    with errors_shown():
        data_source.dataset()
        config = setup.base_config("readme_preset", PUBLISHED)
        name = str(config.preset)
        preset_card = card(PRESETS[name])
        history = _history(name)
        left, right = st.columns(2, gap="large")
        with left:
            _claim(preset_card)
        with right:
            _measured(preset_card)
        _gap(preset_card, history)
        st.subheader("Your run")
        run = _newest(config)
        _start(config, run)
        open_now = run is not None and run.status()["state"] in OPEN_STATES
        st.fragment(_result, run_every=_REFRESH_SECONDS if open_now else None)(run, history, open_now)


def _claim(preset_card: dict[str, Any]) -> None:
    st.markdown("##### What the README says")
    st.markdown(f"**{plain(preset_card['claim'] or 'No figure')}** for: {plain(preset_card['description'])}")
    st.caption(f"Data: {plain(preset_card['data_form'])}.")


def _measured(preset_card: dict[str, Any]) -> None:
    st.markdown("##### What the network measures")
    measured = preset_card["measured"]
    if not measured:
        st.markdown("Not yet measured on PrivateTest.")
        return
    low, high = measured["accuracy_ci95"]
    st.markdown(
        f"**{measured['accuracy']:.1%}** of FER2013's PrivateTest (95% interval {low:.1%} to {high:.1%}), on "
        "which nothing was chosen."
    )
    if measured["accuracy_without_leaked"] is not None:
        st.caption(
            f"{measured['accuracy_without_leaked']:.1%} without the images that have a copy in the training "
            "split."
        )
    if preset_card["name"] in {bundle.path.name for bundle in shipped()}:
        st.page_link(
            "pages/evaluate.py",
            label="See its errors, cell by cell",
            icon=":material/fact_check:",
            query_params={"model": preset_card["name"]},
        )


def _gap(preset_card: dict[str, Any], history: list[dict[str, float]]) -> None:
    """Explain with the figures of the card what may make a claim higher than the measurement."""
    measured, planned = preset_card["measured"], preset_card["config"]["train"]["epochs"]
    if not measured or not history:
        return
    best = max(history, key=lambda row: row["val_accuracy"])
    last = history[-1]
    reasons = [
        f"**Epochs.** It was published with {plural(planned, 'epoch')} and measured after "
        f"{plural(len(history), 'epoch')}"
        + (
            "; more may raise the figure."
            if len(history) < planned
            else f"; the best one was epoch {int(best['epoch'])}."
        ),
        f"**Split.** After the last epoch it classifies {last['accuracy']:.1%} of its own training images, "
        f"but {last['val_accuracy']:.1%} of PublicTest: a figure from training says little about other "
        "faces.",
        f"**Selection.** The best epoch reached {best['val_accuracy']:.1%} on PublicTest, the last one "
        f"{last['val_accuracy']:.1%}. A README that reports the best epoch on the images that it was chosen "
        "with reports the luckier figure.",
    ]
    st.markdown("##### Where a gap comes from")
    st.markdown("\n".join(f"- {reason}" for reason in reasons))


def _history(preset: str) -> list[dict[str, float]]:
    """Return the epochs in the card of a preset; empty where the card has none that are whole."""
    for kept in cards(preset):
        rows = kept.get("training", {}).get("history")
        if isinstance(rows, list) and all(isinstance(row, dict) and set(row) >= _COLUMNS for row in rows):
            return rows
    return []


def _newest(config: RunConfig) -> RunFolder | None:
    """Return the newest run of the preset on the current data."""
    for run in list_runs(runs_folder()):
        with errors_shown(stop=False):
            other = run.config()
            if (other.preset, other.data.source) == (config.preset, config.data.source):
                return run
    return None


def _start(config: RunConfig, run: RunFolder | None) -> None:
    source = data_source.display_name(data_source.current())
    st.caption(
        f"Trains the network with the published settings on **{plain(source)}**; choose FER2013 on the "
        "Dataset page to repeat the figure itself."
    )
    invalid_values.note()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = st.number_input(
            "Epochs",
            1,
            config.train.epochs,
            config.train.epochs,
            **settings_form.kept_as(f"readme_epochs_{config.preset}"),
            width=150,
        )
        if st.button(
            "Repeat it" if run is None else "Repeat it once more",
            type="primary",
            icon=":material/play_arrow:",
            key="readme_start",
        ):
            warmup = min(config.train.warmup_epochs, int(epochs) - 1)
            started = config.replace("train", epochs=int(epochs), warmup_epochs=warmup)
            queue.submit(create_run(runs_folder(), started))
            st.rerun()


def _result(run: RunFolder | None, history: list[dict[str, float]], was_open: bool) -> None:
    """Draw the curve of the run over the one of the card, and what to do next; a fragment that refreshes."""
    own: list[dict[str, float]] = []
    if run is not None:
        with errors_shown(stop=False):
            status, own = run.status(), run.history()
            if was_open and status["state"] not in OPEN_STATES:
                st.rerun()
            with st.container(horizontal=True, vertical_alignment="center"):
                run_state.head(run, status)
            run_state.progress(run, status, own)
    lines = {name: rows for name, rows in (("kept with the card", history), ("your run", own)) if rows}
    if lines:
        st.plotly_chart(
            curves.overlay(lines, "val_accuracy", "Validation accuracy", 0.0, legend=True),
            config=charts.CONFIG,
            key="readme_curves",
            alt="Validation accuracy by epoch: "
            + "; ".join(f"{name} {rows[-1]['val_accuracy']:.1%}" for name, rows in lines.items()),
        )
    if run is None:
        return
    with st.container(horizontal=True):
        if st.button("Watch it", icon=":material/show_chart:", key="readme_watch"):
            run_link.open_run(run.name)
            st.rerun(scope="app")
        if (run.bundle / "card.json").is_file():
            st.page_link(
                "pages/evaluate.py",
                label="Click its confusion matrix",
                icon=":material/fact_check:",
                query_params={"model": run.name, **source_link.parameters()},
            )
