"""One model: its figures, its card, its training, its layers, its files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fer_core.bundles.bundle import views_inside
from fer_core.bundles.card_values import as_dict, as_dicts
from fer_core.bundles.model_card import markdown
from fer_core.errors import ModelError
from pages.session import source_link
from pages.session.foreign_text import plain
from pages.widgets.interval_chart import percent

from . import files, layers, model_link, speed, training
from .catalog import Model

_TRUTHS = {"labels": "predicts the labels", "votes": "predicts the FER+ votes"}


def show(models: Sequence[Model]) -> None:
    """Draw the box that chooses a model, and everything known about the model."""
    model = model_link.choose(models)
    _head(model)
    _figures(model)
    card_tab, training_tab, layers_tab, files_tab = st.tabs(
        [
            ":material/description: Card",
            ":material/show_chart: Training",
            ":material/layers: Layers",
            ":material/download: Files",
        ]
    )
    with card_tab:
        _card(model)
    with training_tab:
        training.show(model)
    with layers_tab:
        layers.show(model)
    with files_tab:
        files.show(model, card_markdown(model))


def _head(model: Model) -> None:
    card = model.bundle.card
    with st.container(horizontal=True, vertical_alignment="center"):
        if model.shipped:
            st.badge("shipped", icon=":material/inventory_2:", color="blue")
        elif as_dict(card, "imported"):
            st.badge("from elsewhere", icon=":material/move_to_inbox:", color="orange")
        else:
            st.badge("own run", icon=":material/model_training:", color="green")
        st.badge(
            _TRUTHS[model.truth],
            icon=":material/how_to_vote:" if model.truth == "votes" else ":material/label:",
            color="gray",
        )
        if len(as_dicts(card, "members")) > 1:
            st.badge(f"ensemble of {len(as_dicts(card, 'members'))}", icon=":material/join:", color="violet")
        if views_inside(card) > 1:
            st.badge(
                f"{views_inside(card):,} views inside",
                icon=":material/flip:",
                color="gray",
                help="The model averages over the image and its mirror image; with four views also over both "
                "of the enlarged centre.",
            )
        cannot_run = model.bytes is None
        # Links: st.switch_page does not work while the choice of the model is bound to the address.
        address = source_link.parameters()  # for a new tab, which is a session of its own
        st.page_link(
            "pages/evaluate.py",
            label="Evaluate it",
            icon=":material/fact_check:",
            query_params=address,
            disabled=cannot_run,
        )
        st.page_link(
            "pages/predict.py",
            label="Predict with it",
            icon=":material/photo_camera:",
            query_params=address,
            disabled=cannot_run,
        )
    if cannot_run:
        st.warning(
            f"This bundle has no inference file {plain(model.bundle.inference_file.name)}, so it cannot "
            "classify anything here; only its card and its Keras file can be used.",
            icon=":material/block:",
        )


def _figures(model: Model) -> None:
    test, validation = model.figures("test", model.truth), model.figures("validation", model.truth)
    time = speed.milliseconds([model])[model.name]
    tiles = [
        (
            "Test accuracy",
            percent(test.accuracy if test else None),
            _interval(test),
            "On PrivateTest, on which nothing was chosen.",
        ),
        (
            "Validation accuracy",
            percent(validation.accuracy if validation else None),
            _interval(validation),
            "On PublicTest, on which epochs and models are chosen.",
        ),
        (
            "Parameters",
            _short(model.parameters),
            f"{_short(model.multiply_adds)} mult-adds",
            "Learned parameters, and multiply-adds for one image in convolutions and dense layers.",
        ),
        (
            "One image",
            "-" if time is None else f"{time:.2f} ms",
            "no file" if model.bytes is None else f"file of {model.bytes / 1e6:.2f} MB",
            "Median time on one thread of this machine, and the size of the LiteRT file that the app runs.",
        ),
    ]
    with st.container(horizontal=True, gap="xsmall"):
        for label, value, note, help in tiles:
            st.metric(
                label,
                value,
                delta=note,
                delta_color="off",
                delta_arrow="off",
                border=True,
                width=172,
                height="stretch",
                help=help,
            )


def _interval(measured: object) -> str | None:
    interval = getattr(measured, "interval", None)
    return f"95%: {100 * interval[0]:.1f} to {100 * interval[1]:.1f}" if interval else None


def _short(count: int | None) -> str:
    if count is None:
        return "-"
    return (
        f"{count / 1e6:,.0f} M"
        if count >= 1e8
        else f"{count / 1e6:,.1f} M"
        if count >= 1e6
        else f"{count / 1e3:,.0f} k"
        if count >= 1e4
        else f"{count:,}"
    )


def card_markdown(model: Model) -> str | None:
    """Return the card as Markdown, or None where fields are missing."""
    try:
        return markdown({"name": model.name} | model.bundle.card)
    except ModelError:  # a card from elsewhere, or from an older version
        return None


def _card(model: Model) -> None:
    words = card_markdown(model)
    if words is None:
        st.info("This card lacks some fields, so it is shown as it is.", icon=":material/info:")
        st.json(model.bundle.card, expanded=1)
        return
    lines = words.splitlines()[1:]  # without the title, which the box above shows
    st.markdown("\n".join(map(_escaped, lines)))


def _escaped(line: str) -> str:
    """Return a line of a card without Markdown but that of headings (smaller than those of the page), lists,
    and tables."""
    if line.startswith("## "):
        return f"##### {plain(line[3:])}"
    if line.startswith("|"):
        cells = line.strip("|").split("|")
        return "|---" * len(cells) + "|" if set(line) <= set("|- ") else f"|{'|'.join(map(plain, cells))}|"
    return f"- {plain(line[2:])}" if line.startswith("- ") else plain(line)
