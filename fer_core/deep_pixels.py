"""Pixels of more than 8 bits, from cameras, scanners and thermal imagers, scaled to 8 bits."""

from __future__ import annotations

import numpy as np
from PIL import Image

_CHUNK_PIXELS = 4_000_000  # that are scaled at a time
_BITS = (8, 10, 12, 14, 16)  # of sensors whose values are stored in 16 bits
_NARROW = 1 / 8  # of the range


def to_8_bit(values: np.ndarray) -> Image.Image:
    """Scale (H, W) or (H, W, 3) numbers to a picture in mode L or RGB.

    The range begins at 0 and ends at the largest value of the fewest bits that hold all values, of 8, 10, 12,
    14 and 16; at 1 for fractions. Values that use less than an eighth of it, such as temperatures, or that
    are negative, are scaled from their own lowest to their highest instead.
    """
    sample = values[:: max(1, len(values) // 1000), :: max(1, values.shape[1] // 1000)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    highest = _highest(values)
    low, high = np.percentile(sample, (0.5, 99.5)) if len(sample) else (0.0, 0.0)
    if values.dtype.kind == "f" and highest <= 1:
        top = 1.0
    else:
        top = float(next((2**bits - 1 for bits in _BITS if highest < 2**bits), highest))
    # A single value has no range of its own.
    start, end = (low, high) if low < high and (low < 0 or high - low < _NARROW * top) else (0.0, top)
    out = np.empty(values.shape, np.uint8)
    rows = max(1, _CHUNK_PIXELS // max(1, values[:1].size))
    for i in range(0, len(values), rows):
        part = np.nan_to_num(values[i : i + rows].astype(np.float32), nan=start, posinf=end, neginf=start)
        out[i : i + rows] = np.clip((part - start) * (255 / (end - start)), 0, 255).round()
    return Image.fromarray(out)


def _highest(values: np.ndarray) -> float:
    if values.dtype.kind != "f":
        return float(values.max(initial=0))
    return float(np.max(values, initial=0, where=np.isfinite(values)))
