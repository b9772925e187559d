"""Options of labels that were chosen on the Dataset page, kept for each source."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from fer_core.errors import DataError
from fer_core.label_options import LabelOptions, join_source
from fer_core.storage import write_atomically

from . import data_source, visitor

_FILE_NAME = ".label-options.json"
_MAX_SOURCES = 200
_MAX_BYTES = 1 << 20


def source(location: str) -> str:
    """Return the source at `location` with the options that were kept for it."""
    values = _read().get(location)
    try:
        return join_source(location, LabelOptions(**values)) if isinstance(values, dict) else location
    except (DataError, TypeError, AttributeError):  # written by another version
        return location


def keep(location: str, options: LabelOptions) -> None:
    """Keep the options of a source; without any, forget what was kept.

    Raises:
        DataError: They cannot be stored.
    """
    kept = {key: values for key, values in _read().items() if key != location}
    if options != LabelOptions():
        kept[location] = dataclasses.asdict(options)
    recent = dict(list(kept.items())[-_MAX_SOURCES:])
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(recent, indent=1).encode())
    except OSError as error:
        where = visitor.shown_path(path.parent)
        raise DataError(f"The order of the labels cannot be stored in {where}: {error.strerror}.") from None


def _path() -> Path:
    return data_source.own_folder() / "uploads" / _FILE_NAME


def _read() -> dict[str, Any]:
    try:
        with _path().open("rb") as file:
            kept = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}
