"""Words for numbers in sentences, and names that can be printed."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """Return "1 image" or "3,589 images"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times(count: int) -> str:
    """Return "once" or "5 times"."""
    return "once" if count == 1 else f"{count:,} times"


def printable(name: str) -> str:
    """Return a file name that every terminal and file can take.

    A name that is not UTF-8 (Latin-1 on Linux) has surrogates, which are written as backslash escapes.
    """
    return name.encode(errors="backslashreplace").decode()
