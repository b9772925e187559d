"""Data sets that write the class into the name of each picture: JAFFE, KDEF, RAVDESS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

_LETTERS = {
    "AF": "fear",
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}
_RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")

# KA.AN1.39.tiff; AF01ANS.JPG (session, sex, person, expression, angle); 01-01-05-01-02-01-12.png
_PATTERNS = {
    "JAFFE": re.compile(r"[A-Z]{2}\.(?P<letters>AN|DI|FE|HA|NE|SA|SU)\d\.\d+", re.IGNORECASE),
    "KDEF": re.compile(r"[AB][FM]\d\d(?P<letters>AF|AN|DI|HA|NE|SA|SU)(?:S|HL|HR|FL|FR)", re.IGNORECASE),
    "RAVDESS": re.compile(r"\d\d-\d\d-0(?P<number>[1-8])(?:-\d\d){4}"),
}


def classes(paths: Iterable[str]) -> tuple[str, dict[str, str]] | None:
    """Return the data set whose way of naming all these pictures follow, and the class of each; or None."""
    names = {path: PurePosixPath(path).name for path in paths}
    for form, pattern in _PATTERNS.items():
        matches = {path: pattern.match(name) for path, name in names.items()}
        if names and all(matches.values()):
            return form, {path: _class_of(match) for path, match in matches.items() if match}
    return None


def _class_of(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return _LETTERS[groups["letters"].upper()] if "letters" in groups else _RAVDESS[int(groups["number"]) - 1]
