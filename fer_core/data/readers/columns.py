"""Names and values of label, pixel and split columns, shared by the readers of tables and arrays."""

from __future__ import annotations

import re

from ... import emotions
from ...errors import DataError
from ..dataset import find_split

_WORDS = {
    "label": (
        "emotion",
        "emotions",
        "label",
        "labels",
        "class",
        "expression",
        "emotion_label",
        "y",
        "target",
    ),
    "pixels": ("pixels", "pixel", "images", "image", "x", "pixel_values", "data"),
    "split": ("usage", "split", "set", "subset"),
}


def find(header: list[str]) -> dict[str, str]:
    """Return the name of the "label", "pixels" and "split" columns in `header`.

    Case and blanks are ignored.
    """
    tidy = {name.strip().strip("\"'").strip().lower(): name for name in reversed(header)}
    return {
        role: tidy[next(w for w in words if w in tidy)]
        for role, words in _WORDS.items()
        if any(w in tidy for w in words)
    }


def label_position(value: object, class_names: list[str] | None = None) -> int:
    """Return the position in `emotions.NAMES` of a label.

    Args:
        value: A name, or a number: a position in `class_names`, or else FER2013's code.

    Raises:
        DataError: There is no such label.
    """
    text = str(value if value is not None else "").strip()
    if re.fullmatch(r"-?[0-9]{1,9}(\.0+)?", text):
        code = int(float(text))
        if class_names is not None:
            if not 0 <= code < len(class_names):
                raise DataError(
                    f"Unknown label {code}: expected 0 to {len(class_names) - 1}, as the table's metadata "
                    "name them."
                )
            return emotions.NAMES.index(emotions.from_name(class_names[code]))
        return emotions.NAMES.index(emotions.from_code(code))
    return emotions.NAMES.index(emotions.from_name(text))


def split_name(value: object) -> str:
    """Return the split that a cell of the split column means.

    Raises:
        DataError: The cell does not name a split.
    """
    name = find_split(str(value))
    if name is None:
        raise DataError(
            f"Unknown split {str(value)!r}: expected Training, PublicTest or PrivateTest (or train, "
            "validation, test)."
        )
    return name
