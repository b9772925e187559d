"""Arrays that were kept in an npz file, which may have been damaged since."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays in `path`; None where there is no such file, it is damaged, or it holds Python objects. Nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)  # type: ignore[arg-type]
    except Exception:  # zips, headers and packed data raise a dozen kinds of their own where they are damaged
        return None
    return arrays if all(isinstance(array, np.ndarray) for array in arrays.values()) else None
