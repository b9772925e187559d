"""All models on offer, with the figures from their cards. A missing or damaged figure is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fer_core.bundles.bundle import Bundle, is_shipped, read_bundle
from fer_core.bundles.card_values import as_dict, as_float, as_int, interval
from fer_core.errors import ModelError
from pages.session import model_choice


@dataclass(frozen=True)
class Figures:
    """Figures of one model on one split."""

    accuracy: float
    interval: tuple[float, float] | None
    without_leaked: float | None
    macro_f1: float | None
    calibration_error: float | None
    count: int | None


@dataclass(frozen=True)
class Model:
    """A model on offer, with the figures from its card."""

    name: str  # unique, without "(shipped)", since links contain it
    bundle: Bundle
    shipped: bool

    @property
    def truth(self) -> str:
        """Return what the model learned to predict: the "labels" of the data set or the FER+ "votes"."""
        return "votes" if self.bundle.card.get("truth") == "votes" else "labels"

    @property
    def source(self) -> str:
        return str(as_dict(self.bundle.card, "data").get("source") or "unknown data")

    @property
    def fingerprint(self) -> str | None:
        return as_dict(self.bundle.card, "data").get("fingerprint")

    @property
    def parameters(self) -> int | None:
        return as_int(self.bundle.card.get("parameters"))

    @property
    def multiply_adds(self) -> int | None:
        return as_int(self.bundle.card.get("multiply_adds"))

    @property
    def bytes(self) -> int | None:
        """Return the size of the inference file, or None without such a file."""
        try:
            return self.bundle.inference_file.stat().st_size
        except OSError:
            return None

    def figures(self, split: str, truth: str) -> Figures | None:
        """Return the figures on a split against "labels" or "votes", without test-time augmentation."""
        key = split if truth == self.truth else f"{split}@{truth}"
        figures = as_dict(as_dict(self.bundle.card, "figures"), key)
        accuracy = as_float(figures.get("accuracy"))
        if accuracy is None:
            return None
        return Figures(
            accuracy=accuracy,
            interval=interval(figures.get("accuracy_ci95")),
            without_leaked=as_float(figures.get("accuracy_without_leaked")),
            macro_f1=as_float(figures.get("macro_f1")),
            calibration_error=as_float(figures.get("calibration_error")),
            count=as_int(figures.get("count")),
        )


def read() -> tuple[list[Model], list[str]]:
    """Read all models, the shipped ones first, and return them with the error messages of unreadable ones."""
    models: list[Model] = []
    unreadable = []
    for path, name in model_choice.options().items():
        try:
            bundle = read_bundle(Path(path))
        except ModelError as error:
            unreadable.append(str(error))
            continue
        shipped = is_shipped(bundle)
        name = bundle.path.name if shipped else name
        taken = {model.name for model in models}
        models.append(Model(f"{name} (run)" if name in taken else name, bundle, shipped))
    return models, unreadable


def choices() -> list[Model]:
    """Return all readable models and warn of the others; without any, draw a hint and end the page."""
    models, unreadable = read()
    for sentence in unreadable:
        st.warning(sentence, icon=":material/broken_image:")
    if not models:
        st.info("There is no model yet: train one on the Train page.", icon=":material/rocket_launch:")
        st.stop()
    return models
