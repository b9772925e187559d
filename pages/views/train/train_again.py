"""Train again with changes: the form of Set up with the settings of a run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.config import RunConfig
from fer_core.presets import DEFAULT_PRESET, PRESETS
from fer_core.runs.run_folder import RunFolder
from fer_core.zoo.applications import IMAGENET
from pages.session import data_source, model_choice
from pages.session.errors import errors_shown

from . import builder, run_link, setup


def show_button(run: RunFolder, key: str) -> None:
    """Draw the button that opens the form with the settings of a run, on its data."""
    if st.button(
        "Train again with changes",
        icon=":material/tune:",
        key=key,
        help="Opens Set up with the settings and the data of this run.",
    ):
        open_form(run)


def open_form(run: RunFolder) -> None:
    """Run the page again with the form that has the settings of a run, on its data."""
    with errors_shown():
        config = run.config()
        data_source.choose(config.data.source)
        run_link.open_setup(_inputs(config))
        builder.use(PRESETS[_preset(config)].config.model, _preset(config), config.model)
    st.rerun(scope="app")


def _preset(config: RunConfig) -> str:
    return config.preset if config.preset in PRESETS else DEFAULT_PRESET


def _inputs(config: RunConfig) -> dict[str, Any]:
    """Return the values of the form's inputs by key."""
    preset = _preset(config)
    models = model_choice.options() | {IMAGENET: setup.FROM_IMAGENET}
    values: dict[str, Any] = {"train_preset": preset}
    for section, names in setup.FIELDS.items():
        for name in names:
            value = getattr(getattr(config, section), name)
            values[f"{section}_{name}_{preset}"] = list(value) if isinstance(value, tuple) else value
    for name, path in (("start_from", config.train.start_from), ("teacher", config.train.teacher)):
        if path in models:
            values[f"train_{name}_{preset}"] = models[path]
    if config.train.freeze_until is not None:
        values[f"train_freeze_{preset}"] = setup.frozen_in_words(config.train.freeze_until)
    return values
