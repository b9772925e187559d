"""Set up: the preset, settings and network of a run, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.bundles.bundle import find_bundle
from fer_core.config import AugmentConfig, RunConfig
from fer_core.data import Dataset
from fer_core.emotions import NAMES
from fer_core.errors import FerError
from fer_core.hosting import quotas
from fer_core.hosting.visitors import Visitors
from fer_core.label_options import map_location
from fer_core.presets import DEFAULT_PRESET, PRESETS, card
from fer_core.runs import queue
from fer_core.runs.command import train_command
from fer_core.runs.registry import Registry
from fer_core.runs.resolve import teacher_is_unsuitable
from fer_core.runs.run_folder import create_run
from fer_core.storage import runs_folder
from fer_core.training.schedule import class_weights
from fer_core.wording import plural
from fer_core.zoo.applications import IMAGENET, has_application
from fer_core.zoo.block_types import parse_blocks
from fer_core.zoo.families import as_blocks
from pages.session import data_source, model_choice, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import plain
from pages.widgets import data_notes, source_picker

from . import augmentation, builder, invalid_values, network_drawing, run_link, settings_form, time_estimate

_TRAINING = [
    "epochs",
    "batch_size",
    "learning_rate",
    "optimizer",
    "schedule",
    "warmup_epochs",
    "head_epochs",
    "weight_decay",
    "label_smoothing",
    "early_stopping",
    "keep",
    "average",
    "precision",
    "seed",
]
_TARGETS = ["class_weight", "loss", "votes_weight", "output", "teacher_weight"]
_AUGMENT = list(AugmentConfig.model_fields)
_BUNDLE = ["mirror", "zoom", "quantisation"]
FIELDS = {  # settings whose input has the key SECTION_NAME_PRESET and their value
    "train": [*_TRAINING, *_TARGETS],
    "augment": _AUGMENT,
    "bundle": _BUNDLE,
    "data": ["limit", "drop"],
}
_NO_MODEL = "No model: from the start"
FROM_IMAGENET = "ImageNet (Keras downloads the weights)"
_ALL_FROZEN = "all but the classifier"
_TITLE = "train_title"


def show() -> None:
    """Draw the form, and the button that starts the run or queues it."""
    st.caption(
        "A run trains in a process of its own: refresh or close this page, or restart the app, and it goes "
        "on."
    )
    source_picker.show("train_source")
    with errors_shown():
        dataset = data_source.dataset()
        for split in ("train", "validation"):
            # raises here, not in the training process, if there are no labels
            dataset.labelled_indices(split)
        data_notes.show(dataset)
        config = _preset()
        top = st.container(border=True)  # the button is placed above the settings, but depends on them
        form = _form(config, dataset)
        with top:
            if form is None:
                st.caption("The network is not valid yet: see its tab.")
            else:
                _start(form, dataset)


def base_config(key: str, names: Sequence[str] = tuple(PRESETS)) -> RunConfig:
    """Draw the box that chooses a preset, and return its settings on the current data.

    Args:
        key: Key of the box.
        names: The presets on offer.
    """
    first = "quick" if data_source.is_drawn() else DEFAULT_PRESET
    name = st.selectbox(
        "Preset",
        names,
        index=names.index(first) if first in names else 0,
        format_func=lambda n: f"{PRESETS[n].title} ({n})",
        **settings_form.kept_as(key),
    )
    source = data_source.current()
    if not source.startswith(("synthetic", "kaggle:")):
        source = map_location(source, lambda path: str(Path(path).resolve()))
    config = PRESETS[name].config.replace("data", source=source)
    if (all_visitors := visitor.hosted()) is not None and config.train.epochs > all_visitors.settings.epochs:
        st.caption(
            f"A run has at most {plural(all_visitors.settings.epochs, 'epoch')} on this server; the "
            f"preset has {config.train.epochs:,}."
        )
        config = config.replace(
            "train",
            epochs=all_visitors.settings.epochs,
            warmup_epochs=min(config.train.warmup_epochs, all_visitors.settings.epochs - 1),
        )
    return config


def _preset() -> RunConfig:
    left, right = st.columns([3, 2], gap="large")
    with left:
        config = base_config("train_preset")
        preset = PRESETS[config.preset or DEFAULT_PRESET]
        st.caption(plain(preset.description))
    preset_card = card(preset)
    with right.container(border=True):
        st.markdown("**Claimed and measured accuracy**")
        st.markdown(f"Claimed: {plain(preset_card['claim'] or 'no published figure')}")
        if measured := preset_card["measured"]:
            low, high = measured["accuracy_ci95"]
            st.markdown(
                f"Measured on PrivateTest: **{measured['accuracy']:.1%}** ({low:.1%} to {high:.1%}) after "
                f"{plural(measured['epochs'], 'epoch')}"
                + (f" of each of {measured['networks']:,} networks" if measured["networks"] > 1 else "")
            )
        else:
            st.markdown("Not yet measured on PrivateTest")
        if preset.data_form != "any":
            st.caption(f"Published for: {plain(preset.data_form)}.")
    return config


def _form(config: RunConfig, dataset: Dataset) -> RunConfig | None:
    """Draw the form and return the settings, or None while the network is not valid."""
    name = str(config.preset)
    training_tab, network_tab, augment_tab, targets_tab, data_tab = st.tabs(
        ["Training", "Network", "Augmentation", "Targets and weights", "Data and bundle"]
    )
    with training_tab:
        chosen: dict[str, Any] = settings_form.fields(config.train, _TRAINING, "train", name)
    with network_tab:
        start = _start_from(name)
        model = None
        if start in (None, IMAGENET):
            model = builder.show(config.model, config.preset or "network")
        else:
            model = RunConfig.parse(find_bundle(start).card.get("config")).model
            network_drawing.show(parse_blocks(as_blocks(model)), "train_start_drawing")
            builder.summary_of(model)
    with augment_tab:
        augments = settings_form.fields(config.augment, _AUGMENT, "augment", name, columns=4)
        augmentation.preview(dataset, AugmentConfig(**augments))
    with targets_tab:
        chosen |= settings_form.fields(config.train, _TARGETS, "train", name)
        chosen["teacher"] = _teacher(config)
        _class_weights(dataset, chosen["class_weight"] == "balanced")
    with data_tab:
        limit = st.number_input(
            "Maximum number of images",
            7,
            None,
            None,
            **settings_form.kept_as(f"data_limit_{name}"),
            placeholder="all",
            help=type(config.data).model_fields["limit"].description,
        )
        drop = st.multiselect(
            "Leave out",
            ["leaked", "not a face"],
            list(config.data.drop),
            **settings_form.kept_as(f"data_drop_{name}"),
            help=type(config.data).model_fields["drop"].description,
        )
        bundle = settings_form.fields(config.bundle, _BUNDLE, "bundle", name)
    if model is None:
        return None
    chosen |= {"start_from": start, "freeze_until": _freeze(start, name, network_tab) if start else None}
    settings = (
        config.replace("data", limit=limit, drop=drop)
        .replace("bundle", **bundle)
        .replace("augment", **augments)
    )
    return settings.replace("model", **model.model_dump()).replace("train", **chosen)


def _start_from(preset: str) -> str | None:
    options = {_NO_MODEL: None} | {name: path for path, name in model_choice.options().items()}
    if has_application(as_blocks(PRESETS[preset].config.model)):
        options[FROM_IMAGENET] = IMAGENET
    name = st.selectbox(
        "Start from",
        list(options),
        **settings_form.kept_as(f"train_start_from_{preset}"),
        help="Fine-tune a model: continue from its network and weights.",
    )
    return options[name]


def _freeze(start: str, preset: str, tab: DeltaGenerator) -> str | None:
    rows = [] if start == IMAGENET else find_bundle(start).card.get("layers", [])
    layers = [row["name"] for row in rows if row.get("parameters") and row.get("name") != "predictions"]
    with tab:
        choice = st.selectbox(
            "Frozen layers",
            ["none", *[frozen_in_words(name) for name in layers], _ALL_FROZEN],
            **settings_form.kept_as(f"train_freeze_{preset}"),
            help="The fewer images there are, the more layers should be frozen.",
        )
    return (
        None
        if choice == "none"
        else "features"
        if choice.startswith("all")
        else choice.removeprefix("up to ")
    )


def frozen_in_words(until: str) -> str:
    """Return the choice of frozen layers for the setting `freeze_until`."""
    return _ALL_FROZEN if until == "features" else f"up to {until}"


def _teacher(config: RunConfig) -> str | None:
    options = {"none": None} | {name: path for path, name in model_choice.options().items()}
    if config.train.teacher and config.train.teacher not in options.values():
        options[config.train.teacher] = config.train.teacher
    values = list(options.values())
    name = st.selectbox(
        "Teacher",
        list(options),
        values.index(config.train.teacher),
        **settings_form.kept_as(f"train_teacher_{config.preset}"),
        help=type(config.train).model_fields["teacher"].description,
    )
    if teacher_is_unsuitable(config.replace("train", teacher=options[name])):
        st.caption(
            f"{plain(name)} was trained on other data, so the run does not use it unless you choose a "
            "teacher yourself."
        )
    return options[name]


def _class_weights(dataset: Dataset, balanced: bool) -> None:
    labels = dataset.labels[dataset.labelled_indices("train")]
    weights = class_weights(labels, len(NAMES)) if balanced else np.ones(len(NAMES))
    counts = np.bincount(labels, minlength=len(NAMES))
    st.markdown("**Weight of an image in the loss, by class**")
    rows = [
        {"Class": n, "Training images": int(c), "Weight": round(float(w), 3)}
        for n, c, w in zip(NAMES, counts, weights, strict=True)
    ]
    st.dataframe(rows, hide_index=True)


def _start(config: RunConfig, dataset: Dataset) -> None:
    counts = [
        min(len(dataset.labelled_indices(split)), config.data.limit or 10**9)
        for split in ("train", "validation")
    ]
    try:
        time_estimate.show(config, *counts)
    except FerError as error:  # a network without a summary
        st.caption(plain(error))
    parent = runs_folder()
    all_visitors = visitor.hosted()
    busy = (
        queue.under_way(parent)
        if all_visitors is None
        else []
        if quotas.has_room(all_visitors)
        else ["a run"]
    )
    label = "Start training" if not busy else "Put it in the queue"
    invalid_values.note()
    with st.container(horizontal=True, vertical_alignment="center"):
        title = st.text_input(
            "Title",
            key=_TITLE,
            persist_state="session",
            placeholder="Title of the run",
            label_visibility="collapsed",
            width=220,
        )
        if st.button(label, type="primary", icon=":material/play_arrow:", key="train_start"):
            run = create_run(parent, config)
            if title.strip():
                Registry(parent).describe(run.name, title=title)
            queue.submit(run)
            run_link.open_run(run.name, {_TITLE: ""})  # the next run is another one
            st.rerun()
        with st.popover("Shell command", icon=":material/terminal:"):
            st.code(
                train_command(
                    config, visitor.shown_source(data_source.current()), full_paths=all_visitors is None
                ),
                language="bash",
                wrap_lines=True,
            )
        if all_visitors is not None:
            _limits(all_visitors)
        elif busy:
            st.caption(
                f"{plain(busy[0])} is running: one run at a time, so that runs do not slow each other down."
            )


def _limits(all_visitors: Visitors) -> None:
    """Show the usage and the limits of a visitor of a hosted app."""
    used, settings = quotas.usage(all_visitors, runs_folder().parent), all_visitors.settings
    st.caption(
        f"You use {used['runs']:,} of {plural(settings.runs_per_visitor, 'run')} and "
        f"{used['bytes'] / 1e6:.0f} of {settings.visitor_mb:,} MB on this server, which are kept for "
        f"{plural(settings.days, 'day')} after your last visit. A run takes at most "
        f"{plural(settings.minutes, 'minute')}; visitors take turns.",
        width="stretch",
    )
