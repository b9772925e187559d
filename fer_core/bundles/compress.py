"""Keras files of under half the size: rounded weights in a compressed archive."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

# Of a float32's 23 bits of mantissa: 8 are left, finer than the 8 bits of the inference file, whose steps are
# the same for small and large weights. The exponent stays, so nothing overflows.
_DROPPED = 15


def round_weights(networks: Sequence[keras.Model]) -> None:
    """Round all float32 weights of `networks` in place to 8 bits of mantissa, a relative error of at most
    2**-9."""
    for network in networks:
        network.set_weights([_rounded(w) if w.dtype == np.float32 else w for w in network.get_weights()])


def _rounded(values: np.ndarray) -> np.ndarray:
    bits = np.ascontiguousarray(values).view(np.uint32)
    half, mask = np.uint32(1 << (_DROPPED - 1)), ~np.uint32((1 << _DROPPED) - 1)
    return ((bits + half) & mask).view(np.float32).reshape(values.shape)


def compress(path: Path) -> None:
    """Write the members of the .keras archive at `path`, which Keras stores as they are, compressed."""
    temporary = path.with_name(f".{path.name}.smaller")
    with (
        zipfile.ZipFile(path) as source,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_BZIP2) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    os.replace(temporary, path)
