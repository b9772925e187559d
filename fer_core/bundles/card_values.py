"""Values of a model card, which others may have written by hand: what is missing or damaged is None or empty, never 0."""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> float | None:
    """A finite number, else None."""
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        else None
    )


def whole(value: Any) -> int | None:
    """A finite number without what stands behind its point, else None."""
    value = number(value)
    return None if value is None else int(value)


def interval(value: Any) -> tuple[float, float] | None:
    """Two finite numbers, else None."""
    ends = [number(end) for end in value] if isinstance(value, list) and len(value) == 2 else [None]
    return None if None in ends else (ends[0], ends[1])  # type: ignore[return-value]


def part(card: Any, name: str) -> dict[str, Any]:
    """The object `name` of a card, empty where there is none."""
    value = card.get(name) if isinstance(card, dict) else None
    return value if isinstance(value, dict) else {}


def parts(card: Any, name: str) -> list[dict[str, Any]]:
    """The objects in the list `name` of a card, such as its layers or the networks of an ensemble."""
    values = card.get(name) if isinstance(card, dict) else None
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
