"""Cache of results about a data set, under its content and the order of its images."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np

from .. import storage
from ..data.dataset import Dataset
from ..storage import read_arrays

_VERSION = 1  # increase it when a result is computed differently


def key(dataset: Dataset) -> str:
    """Return the key of a data set: its fingerprint and the order of its images."""
    order = hashlib.sha256(dataset.digests.tobytes() + dataset.rows.tobytes()).hexdigest()[:16]
    return f"{dataset.fingerprint}-{order}"


def path(kind: str, dataset: Dataset, more: str = "") -> Path:
    return (
        storage.cache_folder(f"quality-v{_VERSION}")
        / f"{key(dataset)}-{kind}{f'-{more}' if more else ''}.npz"
    )


def load(kind: str, dataset: Dataset, more: str = "") -> dict[str, np.ndarray] | None:
    """Return the arrays stored as `kind`, or None.

    Args:
        more: What else the result depends on, such as the hash of a model.
    """
    return read_arrays(path(kind, dataset, more))


def store(kind: str, dataset: Dataset, arrays: dict[str, np.ndarray], more: str = "") -> None:
    """Store `arrays`; on a full or read-only disk they are computed again the next time."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    target = path(kind, dataset, more)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomically(target, buffer.getvalue())
    except OSError:
        pass
