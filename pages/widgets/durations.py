"""Durations in words."""

from __future__ import annotations

import math


def duration(seconds: float) -> str:
    """Format seconds as "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
