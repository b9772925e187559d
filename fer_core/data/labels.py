"""Meaning of the labels of a source: names, or numbers with the names that belong to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .. import emotions
from ..errors import DataError
from ..label_options import LabelOptions
from .dataset import Samples

FER2013_CODES: dict[int, str] = dict(enumerate(emotions.NAMES))
MAX_CODES = 100  # of a source; a column with more different numbers holds no classes
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.0+)?")


def as_code(value: object) -> int | None:
    """Return the number that a label is ("3", "3.0"), or None for a name."""
    text = str(value if value is not None else "").strip()
    return int(float(text)) if _NUMBER.fullmatch(text) else None


class LabelReader:
    """Reads the labels of one source, and notes what it assumed."""

    def __init__(self, options: LabelOptions | None = None) -> None:
        """Create the reader of one source.

        Args:
            options: What the user says about the labels.

        Raises:
            DataError: An option is not usable.
        """
        self._chosen = (options or LabelOptions()).names()
        self._names: Mapping[int, str] | None = None
        self.origin = ""
        self._assumed = False
        self._codes: dict[int, str] = {}

    def use_file(self, names: Mapping[int, str], origin: str) -> None:
        """Take names from the file `origin`, for where neither the user nor the table has any."""
        self._names, self.origin = names, origin

    def columns(self, names: Mapping[int, str] | None = None) -> int:
        """Return how many columns one-hot labels have; `names` are those in the table."""
        return max(self._chosen or names or self._names or FER2013_CODES, default=0) + 1

    def position(self, value: object, names: Mapping[int, str] | None = None) -> int:
        """Return the position in `emotions.NAMES` of a label.

        Args:
            value: A name, or a number.
            names: The names of the numbers, from the table itself. The user's go before them, those of a
                file come after them; without any, numbers are FER2013's codes.

        Raises:
            DataError: There is no such label.
        """
        code = as_code(value)
        if code is None:
            return emotions.NAMES.index(emotions.from_name(str(value if value is not None else "").strip()))
        known = self._chosen or names or self._names
        if known is None:
            name = emotions.from_code(code)
            self._assumed = True
        elif code in known:
            name = emotions.from_name(known[code])
        else:
            given = "the chosen order" if self._chosen else "the names in the file" if names else self.origin
            raise DataError(f"Unknown label {code}: expected {in_words(known)}, by {given}.")
        if len(self._codes) < MAX_CODES:
            self._codes[code] = name
        return emotions.NAMES.index(name)

    def conclude(self, samples: Samples) -> Samples:
        """Return the samples with the numbers of the labels, and notes on what they were read as."""
        notes = []
        if self._assumed:
            notes.append(f"Labels read as FER2013's codes: {in_words(FER2013_CODES)}.")
        elif self._codes and self._chosen is not None:
            notes.append(f"Labels read in the chosen order: {in_words(self._chosen)}.")
        elif self._codes and self._names is not None:
            notes.append(f"Labels read by the names in {self.origin}: {in_words(self._names)}.")
        codes = dict(sorted(self._codes.items()))
        return replace(samples, codes=codes, warnings=(*samples.warnings, *notes))


def in_words(names: Mapping[int, str]) -> str:
    """Return the names of numbers as in "0 angry, 1 disgust"."""
    shown = [f"{code} {name[:40]}" for code, name in sorted(names.items())[:12]]
    return ", ".join(shown) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")
