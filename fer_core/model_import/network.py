"""A network from a model file, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .input_values import InputShape


@dataclass(frozen=True)
class Plan:
    """What is put around a network to make a bundle of it."""

    scaling: str  # a key of SCALINGS
    classes: tuple[str, ...]  # of each output; "-" or a word such as contempt for one without a class
    kind: str  # what the outputs are, see `outputs`


class Network(Protocol):
    """A network that can be run, and written with a plan around it."""

    format: str
    shape: InputShape
    count: int  # outputs
    # The classes of the outputs and the scaling, where the file names them as FER Explorer's exports do.
    classes: tuple[str, ...] | None
    scaling: str | None

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Return (N, K) float32 outputs for a batch as `input_values.prepare` makes it."""
        ...

    def write(self, folder: Path, plan: Plan) -> dict[str, Any]:
        """Write the files of a bundle, and return what its card says about them.

        Raises:
            ModelError: The network cannot be converted.
        """
        ...


def selection(classes: tuple[str, ...], names: tuple[str, ...]) -> np.ndarray:
    """Return (K, C) float32 with a 1 where output k is class c of `names`."""
    return np.array([[float(name == own) for name in names] for own in classes], np.float32)
