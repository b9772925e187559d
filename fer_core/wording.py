"""Words for numbers in sentences."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Return "1 image" or "3,589 images"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times(count: int) -> str:
    """Return "once" or "5 times"."""
    return "once" if count == 1 else f"{count:,} times"
