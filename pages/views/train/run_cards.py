"""Runs as cards, for screens where a table does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fer_core.runs.table import RunRow
from fer_core.wording import plural
from pages.session import data_source
from pages.widgets.component import component, script, stylesheet

from . import run_link, run_state, train_again

_component = component(
    "fer_run_cards", html='<div class="cards"></div>', css=stylesheet(__file__), js=script(__file__)
)


def show(rows: Sequence[RunRow], key: str) -> list[str]:
    """Draw a card for each run, with buttons to watch it and to train again.

    Returns:
        The names of the selected runs.
    """
    by_name = {row.run.name: row for row in rows}
    state: Any = st.session_state.get(key, {})
    result = _component(
        key=key,
        data={
            "cards": [_card(row) for row in rows],
            "chosen": [name for name in state.get("chosen") or [] if name in by_name],
        },
        default={"chosen": []},
        on_chosen_change=lambda: None,
        on_watched_change=lambda: None,
        on_again_change=lambda: None,
    )
    if (watched := result.get("watched")) in by_name:
        run_link.open_run(watched)
        st.rerun()
    if (again := result.get("again")) in by_name:
        train_again.open_form(by_name[again].run)
    return [name for name in result.get("chosen") or [] if name in by_name]


def _card(row: RunRow) -> dict[str, Any]:
    config = row.config
    accuracy = "no epoch yet" if row.best_accuracy is None else f"{row.best_accuracy:.1%} on validation"
    epochs = (
        f"{row.epochs} of {plural(config.train.epochs, 'epoch')}" if config else plural(row.epochs, "epoch")
    )
    parts = [epochs, f"{row.parameters:,} parameters" if row.parameters else ""]
    return {
        "name": row.run.name,
        "title": row.title,
        "state": row.state,
        "colour": run_state.badge(row.state)[0],
        "accuracy": accuracy,
        "details": " · ".join(part for part in parts if part),
        "about": (
            f"{config.preset or config.model.family} on {data_source.display_name(config.data.source)}"
            if config
            else ""
        ),
        "note": row.notes.note,
    }
