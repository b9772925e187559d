"""Cleaned variants of a data set: JSON files with changes to an original, which opens like any other source.

The file contains the original source and its fingerprint, the rows to leave out, and the labels to change.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..emotions import NAMES
from ..errors import DataError
from ..foreign_json import MAX_PATH, read_json
from ..storage import write_new
from ..wording import plural
from .dataset import UNLABELLED, Dataset, content_fingerprint

FORMAT = "fer-explorer-recipe"
SUFFIX = ".recipe.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Recipe:
    """Changes to an original data set."""

    source: str  # the original, see `open_dataset`
    fingerprint: str  # fingerprint of the original
    drop: dict[int, str] = field(default_factory=dict)  # row -> reason
    relabel: dict[int, str] = field(default_factory=dict)  # row -> new label

    def as_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "source": self.source,
            "fingerprint": self.fingerprint,
            "created": time.strftime("%Y-%m-%d"),
            "drop": {str(row): why for row, why in sorted(self.drop.items())},
            "relabel": {str(row): name for row, name in sorted(self.relabel.items())},
        }


def save_recipe(recipe: Recipe, folder: Path, name: str) -> Path:
    """Write the recipe to `folder`/`name`.recipe.json, which must not exist.

    Raises:
        DataError: The name is invalid or taken, or the folder cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot be a variant's name: expected up to 60 letters, digits, dashes and underscores."
        )
    path = folder / f"{name}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_new(path, (json.dumps(recipe.as_json(), indent=1) + "\n").encode())
    except FileExistsError:
        raise DataError(f"There is a variant called {name} already: choose another name.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def equal_recipe(recipe: Recipe, folder: Path) -> Path | None:
    """Return the file of a recipe in `folder` with the same changes to the same data, or None."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            other = read_recipe(path)
        except DataError:
            continue
        if (other.fingerprint, set(other.drop), other.relabel) == (
            recipe.fingerprint,
            set(recipe.drop),
            recipe.relabel,
        ):
            return path
    return None


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        DataError: The file is not a recipe.
    """
    try:
        content = read_json(path)
        if content["format"] != FORMAT:
            raise ValueError
        drop = {int(row): str(why) for row, why in content.get("drop", {}).items()}
        relabel = {int(row): str(name) for row, name in content.get("relabel", {}).items()}
        recipe = Recipe(str(content["source"]), str(content["fingerprint"])[:100], drop, relabel)
        if len(recipe.source) > MAX_PATH or "\0" in recipe.source:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{path} is not a recipe: expected a {SUFFIX} file that FER Explorer wrote."
        ) from None
    if unknown := sorted(set(recipe.relabel.values()) - set(NAMES)):
        raise DataError(
            f"{path} gives images the label {unknown[0][:40]!r}: expected one of {', '.join(NAMES)}."
        )
    return recipe


def is_recipe(head: bytes) -> bool:
    """Return whether a file that begins with `head` is a recipe."""
    return head.lstrip()[:1] == b"{" and FORMAT.encode() in head[:200]


def open_recipe(path: Path, source: str, open_original: Callable[[str], Dataset]) -> Dataset:
    """Open the variant that the recipe at `path` describes.

    Raises:
        DataError: The file is not a recipe, or its original cannot be read or has changed.
    """
    recipe = read_recipe(path)
    if Path(recipe.source).expanduser().resolve() == path.resolve():
        raise DataError(f"{source} is a recipe of itself: name another source in it.")
    original = open_original(recipe.source)
    if original.fingerprint != recipe.fingerprint:
        raise DataError(
            f"{source} was made for other content of {recipe.source} (fingerprint {recipe.fingerprint}, "
            f"now {original.fingerprint}): "
            "restore the old data, or make the variant again."
        )
    return apply(recipe, original, source)


def apply(recipe: Recipe, original: Dataset, source: str) -> Dataset:
    """Return `original` without the rows that the recipe leaves out and with its labels.

    The splits stay the same.

    Raises:
        DataError: A row does not exist in the original, or no image remains.
    """
    place = {int(row): i for i, row in enumerate(original.rows)}
    if missing := [row for row in (*recipe.drop, *recipe.relabel) if row not in place]:
        raise DataError(f"{source} names row {missing[0]}, which {recipe.source} does not have.")
    stays = np.ones(len(original), bool)
    stays[[place[row] for row in recipe.drop]] = False
    labels = original.labels.copy()
    for row, name in recipe.relabel.items():
        labels[place[row]] = NAMES.index(name)
    if not (stays & (labels != UNLABELLED)).any():
        raise DataError(f"{source} leaves out every image of {recipe.source}.")
    where = np.flatnonzero(stays)
    changed = (
        f"{plural(len(recipe.drop), 'image')} left out and {plural(len(recipe.relabel), 'label')} changed by "
        f"a recipe; the original is {recipe.source}."
    )
    return dataclasses.replace(
        original,
        images=original.images if stays.all() else original.images[where],
        labels=labels[where],
        splits=original.splits[where],
        rows=original.rows[where],
        digests=original.digests[where],
        source=source,
        format=f"cleaned {original.format}",
        warnings=(*original.warnings, changed),
        fingerprint=content_fingerprint(original.digests[where], labels[where], original.splits[where]),
        variant_of=original.variant_of or original.fingerprint,
    )
