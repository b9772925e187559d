"""Set up a run: preset, settings, network, and what they come to, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from fer_core.bundle import find_bundle
from fer_core.config import AugmentConfig, RunConfig
from fer_core.data import Dataset
from fer_core.emotions import NAMES
from fer_core.errors import FerError
from fer_core.hosting import quotas
from fer_core.hosting.visitors import Visitors
from fer_core.presets import DEFAULT_PRESET, PRESETS, card
from fer_core.storage import runs_folder
from fer_core.training import run_queue
from fer_core.training.repeat import train_command
from fer_core.training.run_folder import new_run_folder
from fer_core.training.schedule import class_weights
from fer_core.training.settle import lacks_teacher
from pages.shared import state, visitor

from . import augmentation, builder, settings_form, time_guess

_TRAINING = [
    "epochs",
    "batch_size",
    "learning_rate",
    "optimizer",
    "schedule",
    "warmup_epochs",
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
_NO_MODEL = "No model: from the start"


def show() -> None:
    """The form, and the button that starts the run or queues it."""
    with state.errors_shown():
        dataset = state.dataset()
        for split in ("train", "validation"):
            dataset.labelled_indices(split)  # says now, not in the training process, what is missing
        config = _preset()
        top = st.container(border=True)  # above the settings, where one finds it, though it comes of them
        form = _form(config, dataset)
        with top:
            if form is None:
                st.caption("The network does not fit together yet: see its tab.")
            else:
                _start(form, dataset)


def base_config(key: str) -> RunConfig:
    """A box to choose a preset with; its settings, on the chosen data."""
    names = list(PRESETS)
    first = "quick" if state.source().startswith("synthetic") else DEFAULT_PRESET
    name = st.selectbox(
        "Preset", names, index=names.index(first), format_func=lambda n: f"{PRESETS[n].title} ({n})", key=key
    )
    source = state.source()
    source = source if source.startswith(("synthetic", "kaggle:")) else str(Path(source).resolve())
    config = PRESETS[name].config.replace("data", source=source)
    if (everybody := visitor.hosted()) is not None and config.train.epochs > everybody.settings.epochs:
        st.caption(
            f"A run has {everybody.settings.epochs} epochs at most on this server, {config.train.epochs} by its preset."
        )
        config = config.replace(
            "train",
            epochs=everybody.settings.epochs,
            warmup_epochs=min(config.train.warmup_epochs, everybody.settings.epochs - 1),
        )
    return config


def _preset() -> RunConfig:
    left, right = st.columns([3, 2], gap="large")
    with left:
        config = base_config("train_preset")
        preset = PRESETS[config.preset or DEFAULT_PRESET]
        st.caption(preset.description)
        st.caption(f"It trains on **{state.source_name(state.source())}**; the Dataset page changes that.")
    known = card(preset)
    with right.container(border=True):
        st.markdown("**What READMEs claim, what was measured**")
        st.markdown(f"Claimed: {known['claim'] or 'no figure is published'}")
        if measured := known["measured"]:
            low, high = measured["accuracy_ci95"]
            st.markdown(
                f"Measured on PrivateTest: **{measured['accuracy']:.1%}** ({low:.1%} to {high:.1%}) after {measured['epochs']} epochs"
                + (f" of each of {measured['networks']} networks" if measured["networks"] > 1 else "")
            )
        else:
            st.markdown("Measured on PrivateTest: not yet")
        if preset.data_form != "any":
            st.caption(f"Published for: {preset.data_form}.")
    return config


def _form(config: RunConfig, dataset: Dataset) -> RunConfig | None:
    """The settings as they stand in the form; None while the network does not fit together."""
    name = str(config.preset)
    data, network, augment, training, targets = st.tabs(
        ["Training", "Network", "Augmentation", "Targets and weights", "Data and bundle"]
    )
    with data:
        chosen: dict[str, Any] = settings_form.fields(config.train, _TRAINING, "train", name)
    with network:
        start = _start_from(name)
        model = None
        if start:
            model = RunConfig.parse(find_bundle(start).card.get("config")).model
            builder.summary_of(model)
        else:
            model = builder.show(config.model, config.preset or "network")
    with augment:
        augments = settings_form.fields(config.augment, _AUGMENT, "augment", name, columns=4)
        augmentation.preview(dataset, AugmentConfig(**augments))
    with training:
        chosen |= settings_form.fields(config.train, _TARGETS, "train", name)
        chosen["teacher"] = _teacher(config)
        _class_weights(dataset, chosen["class_weight"] == "balanced")
    with targets:
        limit = st.number_input(
            "Images at most",
            7,
            None,
            None,
            key=f"data_limit_{name}",
            placeholder="all",
            help=type(config.data).model_fields["limit"].description,
        )
        drop = st.multiselect(
            "Leave out",
            ["leaked", "not a face"],
            list(config.data.drop),
            key=f"data_drop_{name}",
            help=type(config.data).model_fields["drop"].description,
        )
        bundle = settings_form.fields(config.bundle, ["mirror", "zoom", "quantisation"], "bundle", name)
    if model is None:
        return None
    chosen |= {"start_from": start, "freeze_until": _freeze(start, name, network) if start else None}
    made = (
        config.replace("data", limit=limit, drop=drop)
        .replace("bundle", **bundle)
        .replace("augment", **augments)
    )
    return made.replace("model", **model.model_dump()).replace("train", **chosen)


def _start_from(preset: str) -> str | None:
    options = {_NO_MODEL: None} | {name: path for path, name in state.models().items()}
    name = st.selectbox(
        "Start from",
        list(options),
        key=f"train_start_from_{preset}",
        help="Fine-tune a model: its network with its weights, trained on.",
    )
    return options[name]


def _freeze(start: str, preset: str, tab: Any) -> str | None:
    layers = [
        row["name"]
        for row in find_bundle(start).card.get("layers", [])
        if row.get("parameters") and row.get("name") != "predictions"
    ]
    with tab:
        choice = st.selectbox(
            "Layers that stay as they are",
            ["none", *[f"up to {name}" for name in layers], "all but the classifier"],
            key=f"train_freeze_{preset}",
            help="The fewer images there are, the more layers are better left as they are.",
        )
    return (
        None
        if choice == "none"
        else "features"
        if choice.startswith("all")
        else choice.removeprefix("up to ")
    )


def _teacher(config: RunConfig) -> str | None:
    options = {"none": None} | {name: path for path, name in state.models().items()}
    if config.train.teacher and config.train.teacher not in options.values():
        options[config.train.teacher] = config.train.teacher
    values = list(options.values())
    name = st.selectbox(
        "Teacher",
        list(options),
        values.index(config.train.teacher),
        key=f"train_teacher_{config.preset}",
        help=type(config.train).model_fields["teacher"].description,
    )
    if lacks_teacher(config.replace("train", teacher=options[name])):
        st.caption(
            f"{name} was trained on other data than these, so the run does without it, unless you choose a teacher yourself."
        )
    return options[name]


def _class_weights(dataset: Dataset, balanced: bool) -> None:
    labels = dataset.labels[dataset.labelled_indices("train")]
    weights = class_weights(labels, len(NAMES)) if balanced else np.ones(len(NAMES))
    counts = np.bincount(labels, minlength=len(NAMES))
    st.markdown("**How much an image of each class weighs in the loss**")
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
        time_guess.show(config, *counts)
    except FerError as error:  # a network that the summary does not know
        st.caption(str(error))
    parent = runs_folder()
    everybody = visitor.hosted()
    busy = run_queue.under_way(parent) if everybody is None else [] if quotas.room(everybody) else ["a run"]
    label = "Start training" if not busy else "Put it in the queue"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(label, type="primary", icon=":material/play_arrow:", key="train_start"):
            run = new_run_folder(parent, config.preset or "run")
            run.create(config)
            run_queue.submit(run)
            st.session_state["train_go"] = ("Watch", run.name)
            st.rerun()
        with st.popover("The same from the shell", icon=":material/terminal:"):
            st.code(
                train_command(config, visitor.shown_source(state.source())), language="bash", wrap_lines=True
            )
        if everybody is not None:
            _limits(everybody)
        elif busy:
            st.caption(f"{busy[0]} is under way: one run at a time, so that they don't slow each other down.")


def _limits(everybody: Visitors) -> None:
    """What a visitor of a hosted app has used, and may."""
    used, settings = quotas.usage(everybody, runs_folder().parent), everybody.settings
    st.caption(
        f"This server keeps {used['runs']} of {settings.runs_per_visitor} runs and {used['bytes'] / 1e6:.0f} of {settings.visitor_mb} MB for you, "
        f"up to {settings.days} days after your last visit. A run takes {settings.minutes} minutes at most; visitors take turns.",
        width="stretch",
    )
