"""One model in detail: its figures, its card in words, how it learned, its layers, its files."""

from __future__ import annotations

import streamlit as st

from fer_core.bundle import views_inside
from fer_core.card_values import parts
from fer_core.errors import ModelError
from fer_core.release.model_card import markdown

from . import layers_table, model_downloads, model_training, speed
from .interval_chart import percent
from .model_figures import Model

_TRUTHS = {"labels": "answers as the labels", "votes": "answers as FER+ voters"}


def show(model: Model) -> None:
    """Everything that is known about one model."""
    _head(model)
    _figures(model)
    card, training, layers, files = st.tabs(
        [
            ":material/description: Card",
            ":material/show_chart: Training",
            ":material/layers: Layers",
            ":material/download: Files",
        ]
    )
    with card:
        _card(model)
    with training:
        model_training.show(model)
    with layers:
        layers_table.show(model)
    with files:
        model_downloads.show(model, text(model))


def _head(model: Model) -> None:
    card = model.bundle.card
    with st.container(horizontal=True, vertical_alignment="center"):
        if model.shipped:
            st.badge("shipped", icon=":material/inventory_2:", color="blue")
        else:
            st.badge("own run", icon=":material/model_training:", color="green")
        st.badge(
            _TRUTHS[model.truth],
            icon=":material/how_to_vote:" if model.truth == "votes" else ":material/label:",
            color="gray",
        )
        if len(parts(card, "members")) > 1:
            st.badge(f"ensemble of {len(parts(card, 'members'))}", icon=":material/join:", color="violet")
        if views_inside(card) > 1:
            st.badge(
                f"{views_inside(card)} views inside",
                icon=":material/flip:",
                color="gray",
                help="It averages over the image, its mirror image, and the same of its enlarged middle where it has four.",
            )
        cannot_run = model.bytes is None
        # Links, since a page cannot be switched from here while the choice of the model is bound to the address.
        st.page_link(
            "pages/models/evaluate.py", label="Evaluate it", icon=":material/fact_check:", disabled=cannot_run
        )
        st.page_link(
            "pages/use/predict.py",
            label="Predict with it",
            icon=":material/photo_camera:",
            disabled=cannot_run,
        )
    if cannot_run:
        st.warning(
            f"This bundle has no inference file {model.bundle.inference_file.name}, so it cannot classify here; "
            "its card and its Keras file are all there is.",
            icon=":material/block:",
        )


def _figures(model: Model) -> None:
    test, validation = model.measured("test", model.truth), model.measured("validation", model.truth)
    time = speed.milliseconds([model])[model.name]
    tiles = [
        (
            "Test accuracy",
            percent(test.accuracy if test else None),
            _interval(test),
            "On PrivateTest, which nothing was chosen on.",
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
            "Numbers that were learned; and multiply-adds for one image, in convolutions and dense layers.",
        ),
        (
            "One image",
            "-" if time is None else f"{time:.2f} ms",
            "no file" if model.bytes is None else f"file of {model.bytes / 1e6:.2f} MB",
            "Median on this machine, one thread; and the size of the LiteRT file that the app runs.",
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
    return f"95 %: {100 * interval[0]:.1f} to {100 * interval[1]:.1f}" if interval else None


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


def text(model: Model) -> str | None:
    """The card as Markdown; None where it lacks what the text needs."""
    try:
        return markdown({"name": model.name} | model.bundle.card)
    except ModelError:  # a card that others, or an older version, wrote
        return None


def _card(model: Model) -> None:
    words = text(model)
    if words is None:
        st.info("This card lacks what its text needs, so here is what it holds.", icon=":material/info:")
        st.json(model.bundle.card, expanded=1)
        return
    lines = words.splitlines()[1:]  # its title is the name in the box above
    # The page has headings of its own, so those of the card are smaller.
    st.markdown("\n".join(f"###{line}" if line.startswith("## ") else line for line in lines))
