"""What is found out about a model file, as it goes from the process that reads it to the app."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..data.dataset import Dataset
from ..emotions import NAMES
from ..errors import DataError
from .input_values import SCALINGS, InputShape, check_scaling
from .outputs import classes_of, title_of
from .tries import Try

_SPLITS = ("validation", "train", "test")  # models are chosen on validation, and least of all on test
_IMAGES = 500
_DOUBTFUL = 0.35  # accuracy of the best try; naming one class always is right on some 25% of FER2013

ANOTHER_ORDER = "another order"
TRIED, GIVEN, IN_FILE = "tried", "given", "file"


@dataclass(frozen=True)
class LabelledFaces:
    """Faces to try a network on."""

    images: np.ndarray  # (N, 48, 48) uint8
    labels: np.ndarray  # (N,) positions in emotions.NAMES
    source: str  # the data set's name, without its folder


def labelled_faces(dataset: Dataset, source: str) -> LabelledFaces:
    """Draw faces of a data set with its class proportions: of validation first, and of test only without
    others.

    Raises:
        DataError: No image has a label.
    """
    drawn: list[np.ndarray] = []
    for split in _SPLITS:
        missing = _IMAGES - sum(map(len, drawn))
        if missing and split in dataset.split_names() and not (drawn and split == "test"):
            with contextlib.suppress(DataError):  # a split without labels
                drawn.append(dataset.sample(split, missing))
    if not drawn:
        raise DataError(f"{source} has no labels, which are needed to find out how a model takes its input.")
    chosen = np.sort(np.concatenate(drawn))
    positions = np.array([NAMES.index(name) for name in dataset.label_names])
    return LabelledFaces(np.asarray(dataset.images[chosen]), positions[dataset.labels[chosen]], source)


@dataclass(frozen=True)
class Findings:
    """What a model file is, and how it was tried."""

    format: str
    shape: InputShape
    count: int  # outputs
    kind: str  # of the outputs, see `outputs`
    tries: Sequence[Try]  # the proposed one first
    scaling: str  # the proposed or given one
    classes: tuple[str, ...]
    scaling_by: str  # TRIED, GIVEN or IN_FILE
    classes_by: str
    source: str | None = None  # of the faces that it was tried on

    @property
    def warning(self) -> str | None:
        """Return why the tries cannot be trusted, or None."""
        if not self.tries or self.tries[0].accuracy >= _DOUBTFUL:
            return None
        best = self.tries[0]
        return (
            f"No try is right on more than {best.accuracy:.0%} of {best.images:,} faces: the network may "
            "have "
            "been trained for other classes or on pictures unlike these, or it takes its input in another "
            "way."
        )

    def table(self) -> tuple[list[str], dict[str, dict[str, float]]]:
        """Return the orders and, for each input, the accuracy by order, the best first.

        Orders without a name, each found for one input, share a column.
        """
        columns: list[str] = []
        rows: dict[str, dict[str, float]] = {}
        for one in self.tries:
            column = one.title if one.title != ", ".join(one.classes) else ANOTHER_ORDER
            columns += [column] if column not in columns else []
            rows.setdefault(one.scaling, {}).setdefault(column, one.accuracy)
        return columns, rows

    def chosen_words(self) -> dict[str, str]:
        """Return how input and classes were chosen, in words."""
        by = {
            TRIED: f"chosen by trying on {self.source}",
            GIVEN: "given by the user",
            IN_FILE: "named in the file",
        }
        return {
            "Input": f"{SCALINGS[self.scaling].title} ({self.scaling}), {by[self.scaling_by]}",
            "Order of classes": f"{title_of(self.classes)}, {by[self.classes_by]}",
        }

    def chosen(self, scaling: str, order: str) -> Findings:
        """Return the findings with what a user chose.

        Args:
            scaling: A key of SCALINGS.
            order: The classes of the outputs, see `label_orders.names_of`.

        Raises:
            ModelError: One does not fit the network.
        """
        check_scaling(scaling, self.shape)
        classes = classes_of(order, self.count)
        return replace(
            self,
            scaling=scaling,
            classes=classes,
            scaling_by=self.scaling_by if scaling == self.scaling else GIVEN,
            classes_by=self.classes_by if classes == self.classes else GIVEN,
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Findings:
        """Return the findings that `as_json` gave."""
        tries = [Try(**one | {"classes": tuple(one["classes"])}) for one in values["tries"]]
        return cls(
            **values
            | {
                "shape": InputShape(**values["shape"]),
                "tries": tries,
                "classes": tuple(values["classes"]),
            }
        )
