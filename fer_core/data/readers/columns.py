"""Names and values of label, pixel and split columns, shared by the readers of tables and arrays."""

from __future__ import annotations

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

# Names of columns with the path of a picture.
PICTURE_PATHS = (
    "image",
    "images",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "path",
    "pth",
    "img",
    "image_path",
    "img_path",
    "image_name",
    "img_name",
    "image name",
    "photo",
    "picture",
)


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
