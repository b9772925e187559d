"""Step by step: what each idea brought, from a plain network to the best model, each with its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core import presets
from fer_core.bundles.card_values import as_dict, as_float, as_int, interval
from pages.session.foreign_text import code, plain
from pages.widgets import charts, class_matrix, interval_chart
from pages.widgets.interval_chart import MarkerStyle, Point, Row, format_plus_minus, percent

# Name of the card, what is new in it, and what that means.
_STEPS = (
    (
        "baseline-deep",
        "Four convolutions",
        "Convolutions of 32 to 256 channels with pooling, as in many READMEs: 10 epochs, no augmentation. It "
        "learns the training images by heart.",
    ),
    (
        "baseline-dropout",
        "More dropout",
        "A narrower network of the same kind with dropout after each block, which slows learning by heart.",
    ),
    (
        "baseline-batchnorm",
        "Batch normalisation",
        "Wider convolutions, each normalised over the batch, on turned, zoomed and mirrored images.",
    ),
    (
        "tiny",
        "Residual blocks, augmentation",
        "Few parameters (0.1 M), but every image is turned, shifted and mirrored in another way each epoch, "
        "and the targets are the answers of two larger networks. Four views of each image are averaged.",
    ),
    (
        "standard",
        "Wider, and FER+ votes",
        "1.6 M parameters; a second output learns how ten FER+ voters saw each image, which tells more than "
        "one label.",
    ),
    (
        "transfer",
        "Faces first",
        "A larger network (3.2 M parameters, images enlarged to 96 pixels) that was trained to tell people "
        "apart before it saw FER2013. Here it gains little; on photos it gains most.",
    ),
    ("best", "Several networks", "The mean of networks that err on different images."),
)


@dataclass(frozen=True)
class Step:
    """A model on the way, with its figures on PublicTest."""

    name: str
    title: str
    meaning: str
    figures: dict[str, Any]

    @property
    def accuracy(self) -> float:
        return as_float(self.figures.get("accuracy")) or 0.0

    @property
    def matrix(self) -> np.ndarray:
        return np.array(self.figures["confusion_matrix"])


def show(_models: object) -> None:
    """Draw the accuracies of all steps, and the confusion matrix of one of them."""
    steps = read_steps()
    if len(steps) < 2:
        st.info("The cards of the shipped models are not here.", icon=":material/info:")
        return
    first, last = min(steps, key=lambda s: s.accuracy), max(steps, key=lambda s: s.accuracy)
    st.subheader(f"From {first.accuracy:.0%} to {last.accuracy:.0%}")
    st.markdown(
        "What each idea brought on FER2013, from the network that many READMEs begin with to the best one "
        "here. All figures are on PublicTest, on which models were chosen; the bar is the 95% interval."
    )
    style = MarkerStyle("accuracy on PublicTest", charts.truth_colours()["labels"])
    rows = []
    for step in steps:
        bounds = interval(step.figures.get("accuracy_ci95"))
        figure = format_plus_minus(step.accuracy, bounds) if bounds else percent(step.accuracy)
        rows.append(Row(step.title, figure, (Point(style, step.accuracy, bounds, step.name),)))
    left, right = st.columns([6, 5], gap="medium")
    with left:
        interval_chart.show(rows, "models_steps_chart", "Accuracy by step")
    with right:
        _one(steps)


def read_steps() -> list[Step]:
    """Return the steps whose cards are here and have a confusion matrix on PublicTest."""
    steps = []
    for name, title, meaning in _STEPS:
        figures = as_dict(as_dict(next(presets.cards(name), {}), "figures"), "validation")
        if as_float(figures.get("accuracy")) is not None and figures.get("confusion_matrix"):
            steps.append(Step(name, title, meaning, figures))
    return steps


def _one(steps: Sequence[Step]) -> None:
    """Draw the box that chooses a step, and its matrix."""
    by_name = {step.name: step for step in steps}
    name = st.selectbox(
        "Confusion matrix of",
        list(by_name),
        format_func=lambda name: by_name[name].title,
        index=len(steps) - 1,
        key="models_step",
        persist_state="session",
    )
    step = by_name[name]
    st.markdown(plain(step.meaning))
    counts, names = step.matrix, tuple(step.figures["labels"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    class_matrix.show(
        shares,
        names,
        class_matrix.Titles(f"Confusion matrix of {name} on PublicTest", "true", "predicted"),
        "models_step_matrix",
        shown=[[f"{share:.0%}" for share in row] for row in shares],
        labels=[
            [
                f"true {true}, predicted {predicted}: {counts[r, c]:,} of {counts[r].sum():,}"
                for c, predicted in enumerate(names)
            ]
            for r, true in enumerate(names)
        ],
        chosen=None,
        on_choose=lambda place: None,
    )
    st.caption(
        f"Rows are true labels; each sums to 100%. {as_int(step.figures.get('count')) or 0:,} images. "
        f"The name in commands is {code(name)}."
    )
