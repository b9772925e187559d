"""Files beside the data that name the numbers of the labels: classes.txt, labels.txt, label_map.json ..."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from ... import emotions
from ..labels import MAX_CODES, as_code

FILE_NAMES = (
    "label_map.json",
    "class_indices.json",
    "classes.json",
    "labels.json",
    "class_names.txt",
    "classes.txt",
    "labels.txt",
)
MAX_BYTES = 1 << 16
_MAX_NAME = 100  # characters


def candidates(paths: Iterable[str]) -> list[str]:
    """Return the paths that may be such files, those at the top first."""
    named = [path for path in paths if PurePosixPath(path).name.lower() in FILE_NAMES]
    return sorted(
        named, key=lambda path: (path.count("/"), FILE_NAMES.index(PurePosixPath(path).name.lower()))
    )


def parse(content: bytes) -> dict[int, str] | None:
    """Return the names by number, or None where the file says something else.

    Read are a name on each line, with or without its number before or after it; in JSON a list of names, and
    an object from numbers to names or from names to numbers. At least two of the names must be classes.
    """
    text = content[:MAX_BYTES].decode("utf-8-sig", errors="replace").strip()
    if len(content) > MAX_BYTES:
        return None
    names = _json(text) if text[:1] in ("{", "[") else _lines(text.splitlines())
    if names is None or not 2 <= len(names) <= MAX_CODES:
        return None
    classes = {emotions.find(name) for name in names.values()} - {None}
    return names if len(classes) >= 2 and max(map(len, names.values())) <= _MAX_NAME else None


def _json(text: str) -> dict[int, str] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list):
        return dict(enumerate(value)) if all(isinstance(name, str) for name in value) else None
    if not isinstance(value, dict):
        return None
    pairs = [(key, name) if as_code(key) is not None else (name, key) for key, name in value.items()]
    return _numbered(pairs)


def _lines(lines: list[str]) -> dict[int, str] | None:
    words = [line.strip() for line in lines if line.strip()]
    if len(words) > MAX_CODES:
        return None
    pairs = [re.split(r"[\s:=,;]+", word, maxsplit=1) for word in words]
    if all(len(pair) == 2 and as_code(pair[0]) is not None for pair in pairs):
        return _numbered([(number, name) for number, name in pairs])
    if all(len(pair) == 2 and as_code(pair[1]) is not None for pair in pairs):
        return _numbered([(number, name) for name, number in pairs])
    return dict(enumerate(words))


def _numbered(pairs: list[tuple[object, object]]) -> dict[int, str] | None:
    """Return names by number, or None unless each has a number of its own."""
    names = {
        code: name.strip()
        for number, name in pairs
        if not isinstance(number, bool) and (code := as_code(number)) is not None and isinstance(name, str)
    }
    return names if len(names) == len(pairs) else None
