"""What the cards of all models say they measured. A figure that is missing or damaged is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_core.bundle import Bundle, is_shipped, read_bundle
from fer_core.card_values import interval, number, part, whole
from fer_core.errors import ModelError

from . import state

TRUTHS = ("labels", "votes")


@dataclass(frozen=True)
class Measured:
    """Figures of one model on one split."""

    accuracy: float
    interval: tuple[float, float] | None
    without_leaked: float | None
    macro_f1: float | None
    calibration_error: float | None
    count: int | None


@dataclass(frozen=True)
class Model:
    """A model that can be chosen, with what its card says."""

    name: str  # unique, without the word that tells shipped models from runs: it stands in links
    bundle: Bundle
    shipped: bool

    @property
    def truth(self) -> str:
        """What it was trained to answer as: "labels" of the data set or FER+ "votes"."""
        return "votes" if self.bundle.card.get("truth") == "votes" else "labels"

    @property
    def source(self) -> str:
        return str(part(self.bundle.card, "data").get("source") or "unknown data")

    @property
    def fingerprint(self) -> str | None:
        return part(self.bundle.card, "data").get("fingerprint")

    @property
    def parameters(self) -> int | None:
        return whole(self.bundle.card.get("parameters"))

    @property
    def multiply_adds(self) -> int | None:
        return whole(self.bundle.card.get("multiply_adds"))

    @property
    def bytes(self) -> int | None:
        """Size of the inference file; None where there is none."""
        try:
            return self.bundle.inference_file.stat().st_size
        except OSError:
            return None

    def measured(self, split: str, truth: str) -> Measured | None:
        """What was measured on a split against a truth, without test-time augmentation from outside."""
        key = split if truth == self.truth else f"{split}@{truth}"
        figures = part(part(self.bundle.card, "figures"), key)
        accuracy = number(figures.get("accuracy"))
        if accuracy is None:
            return None
        return Measured(
            accuracy=accuracy,
            interval=interval(figures.get("accuracy_ci95")),
            without_leaked=number(figures.get("accuracy_without_leaked")),
            macro_f1=number(figures.get("macro_f1")),
            calibration_error=number(figures.get("calibration_error")),
            count=whole(figures.get("count")),
        )


def read() -> tuple[list[Model], list[str]]:
    """All models that can be chosen, the shipped ones first, and a sentence for each that cannot be read."""
    models: list[Model] = []
    unreadable = []
    for path, name in state.models().items():
        try:
            bundle = read_bundle(Path(path))
        except ModelError as error:
            unreadable.append(str(error))
            continue
        own = is_shipped(bundle)
        name = bundle.path.name if own else name
        taken = {model.name for model in models}
        models.append(Model(f"{name} (run)" if name in taken else name, bundle, own))
    return models, unreadable
