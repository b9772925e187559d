"""Read values of a model card. Missing or damaged ones are None or empty, never 0."""

from __future__ import annotations

import math
from typing import Any


def as_float(value: Any) -> float | None:
    """Return a finite number as float, else None."""
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        else None
    )


def as_int(value: Any) -> int | None:
    """Return the whole part of a finite number, else None."""
    value = as_float(value)
    return None if value is None else int(value)


def interval(value: Any) -> tuple[float, float] | None:
    """Return two finite numbers, else None."""
    ends = [as_float(end) for end in value] if isinstance(value, list) and len(value) == 2 else [None]
    return None if None in ends else (ends[0], ends[1])  # type: ignore[return-value]


def as_dict(card: Any, name: str) -> dict[str, Any]:
    """Return the object `name` of a card, empty if there is none."""
    value = card.get(name) if isinstance(card, dict) else None
    return value if isinstance(value, dict) else {}


def as_dicts(card: Any, name: str) -> list[dict[str, Any]]:
    """Return the objects in the list `name` of a card, such as its layers or the networks of an ensemble."""
    values = card.get(name) if isinstance(card, dict) else None
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
