"""Faces of each number that the labels of a source have, for a user who names the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from .budget import Budget
from .dataset import UNLABELLED, Samples
from .labels import MAX_CODES, LabelReader, as_code
from .opening import read_samples


@dataclass(frozen=True)
class Examples:
    """Images with one number as their label."""

    count: int
    images: np.ndarray  # (n, 48, 48) uint8, from all over the source


class _Numbers(LabelReader):
    """Reads labels as the numbers that they are."""

    def position(self, value: object, names: Mapping[int, str] | None = None) -> int:
        code = as_code(value)
        return code if code is not None and 0 <= code < MAX_CODES else UNLABELLED

    def columns(self, names: Mapping[int, str] | None = None) -> int:
        return len(names) if names else super().columns()

    def conclude(self, samples: Samples) -> Samples:
        return replace(samples)


def label_examples(location: str, each: int = 4, budget: Budget | None = None) -> dict[int, Examples]:
    """Return `each` images for every number that is a label.

    Args:
        location: The path of a file or folder, without options.

    Raises:
        DataError: The source cannot be read, or is not a file or folder.
    """
    samples = read_samples(location, _Numbers(), budget)
    examples = {}
    for code in np.unique(samples.labels[samples.labels != UNLABELLED]).tolist():
        members = np.flatnonzero(samples.labels == code)
        spread = members[np.linspace(0, len(members) - 1, min(each, len(members))).round().astype(int)]
        examples[code] = Examples(len(members), np.array(samples.images[spread]))
    if not examples:
        raise DataError(f"{location} has no labels that are numbers.")
    return examples
