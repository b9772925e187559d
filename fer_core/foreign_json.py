"""JSON files that somebody else may have written: bounded in size and depth, with finite numbers and whole
characters."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

MAX_PATH = 4096  # characters, as on Linux
_BYTES = 8_000_000
_DEPTH = 50  # lists and objects within each other
_DIGITS = 18  # of whole numbers
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OSError: The file cannot be read.
        ValueError: As for `parse_json`, or it is too large.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")  # a pipe would be waited for
    with open(path, "rb") as file:
        content = file.read(_BYTES + 1)
    if len(content) > _BYTES:
        raise ValueError(f"it has more than {_BYTES // 10**6} MB")
    return parse_json(content.decode("utf-8"))


def parse_json(text: str | bytes) -> Any:
    """Parse JSON. Numbers that are not finite, or have too many digits, become None.

    Raises:
        ValueError: The text is not JSON, or is nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return _cleaned(value, _DEPTH)


_TOO_DEEP = f"more than {_DEPTH} lists and objects stand within each other"


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _cleaned(value: Any, depth: int) -> Any:
    """Return the value without half characters, which cannot be sent to a browser or written to a file."""
    if isinstance(value, str):
        return _HALF_CHARACTER.sub("\ufffd", value)
    if not isinstance(value, list | dict):
        return value
    if not depth:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, list):
        return [_cleaned(item, depth - 1) for item in value]
    return {_cleaned(key, depth): _cleaned(item, depth - 1) for key, item in value.items()}
