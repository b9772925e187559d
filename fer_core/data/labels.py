"""Meaning of the labels of a source: names, or numbers with the names that belong to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .. import emotions
from ..errors import DataError
from ..label_options import LabelOptions
from .dataset import UNLABELLED, Samples
from .problems import UnknownLabelError

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
        options = options or LabelOptions()
        options.check()
        self._chosen, self._mapped = options.names(), options.mapped()
        self._written = options.left_out()
        self._left_out = list(self._written)
        self._mapped_words: set[str] = set()
        self._names: Mapping[int, str] | None = None
        self.origin = ""
        self._assumed = False
        self._codes: dict[int, str] = {}

    def use_file(self, names: Mapping[int, str], origin: str) -> None:
        """Take names from the file `origin`, for where neither the user nor the table has any."""
        self._names, self.origin = names, origin

    def use_default(self, names: Mapping[int, str], origin: str) -> None:
        """Take these names where nothing names the numbers; `origin` says why, as in "RAF-DB's folders"."""
        if self._names is None:
            self.use_file(names, origin)

    def columns(self, names: Mapping[int, str] | None = None) -> int:
        """Return how many columns one-hot labels have; `names` are those in the table."""
        return max(self._chosen or names or self._names or FER2013_CODES, default=0) + 1

    def position(self, value: object, names: Mapping[int, str] | None = None) -> int:
        """Return the position in `emotions.NAMES` of a label, or one below UNLABELLED for one to leave out.

        `conclude` takes images with such positions out of the samples.

        Args:
            value: A name, or a number.
            names: The names of the numbers, from the table itself. The user's go before them, those of a
                file come after them; without any, numbers are FER2013's codes.

        Raises:
            UnknownLabelError: There is no such label.
        """
        code = as_code(value)
        text = str(value if value is not None else "").strip() if code is None else str(code)
        names_of_codes = self._chosen or names or self._names
        word = (
            text if code is None else (FER2013_CODES if names_of_codes is None else names_of_codes).get(code)
        )
        # A user names a class by its number, by its name in the data, or by its name here.
        spellings = (text.lower(), (word or "").lower(), emotions.find(word or "") or "")
        mapped = next((spelling for spelling in spellings if spelling in self._mapped), None)
        left_out = next((spelling for spelling in spellings if spelling in self._written), None)
        if mapped is not None:
            name: str | None = self._mapped[mapped]
            self._mapped_words.add(mapped)
        elif left_out is not None:
            name = None
        else:
            name = self._class(text, word, names_of_codes)
        self._assumed |= code is not None and names_of_codes is None and word is not None
        if code is not None and len(self._codes) < MAX_CODES:
            self._codes[code] = name or word or text
        if name is None:
            return UNLABELLED - 1 - self._left_out.index(left_out or "")
        return emotions.NAMES.index(name)

    def _class(self, text: str, word: str | None, names_of_codes: Mapping[int, str] | None) -> str:
        """Return the class of a label that is neither mapped nor left out."""
        try:
            if word is not None:
                return emotions.from_name(word)
            if names_of_codes is None:
                return emotions.from_code(int(text))
        except DataError as error:
            raise UnknownLabelError(text, str(error)) from None
        given = "the chosen order" if self._chosen else self.origin or "the names in the file"
        raise UnknownLabelError(
            text, f"Unknown label {text}: expected {in_words(names_of_codes or {})}, by {given}."
        )

    def conclude(self, samples: Samples) -> Samples:
        """Return the samples without those to leave out, and notes on what labels were read as.

        Raises:
            DataError: No image is left.
        """
        notes = []
        if self._assumed:
            notes.append(f"Labels read as FER2013's codes: {in_words(FER2013_CODES)}.")
        elif self._codes and self._chosen is not None:
            notes.append(f"Labels read in the chosen order: {in_words(self._chosen)}.")
        elif self._codes and self._names is not None:
            notes.append(f"Labels read by the names in {self.origin}: {in_words(self._names)}.")
        if self._mapped_words:
            pairs = [f"{word[:40]} as {self._mapped[word]}" for word in sorted(self._mapped_words)]
            notes.append(f"Labels mapped as chosen: {', '.join(pairs)}.")
        counts = {
            word: int(np.sum(samples.labels == UNLABELLED - 1 - i)) for i, word in enumerate(self._left_out)
        }
        if any(counts.values()):
            words = [f"{self._written[word][:40]} ({count:,})" for word, count in counts.items() if count]
            notes.append(f"Images left out as chosen: {', '.join(words)}.")
            samples = samples.only(samples.labels >= UNLABELLED)
            if not len(samples.images):
                raise DataError("Every image is left out by --leave-out: keep some classes.")
        codes = dict(sorted(self._codes.items()))
        return replace(samples, codes=codes, warnings=(*samples.warnings, *notes))


def in_words(names: Mapping[int, str]) -> str:
    """Return the names of numbers as in "0 angry, 1 disgust"."""
    shown = [f"{code} {name[:40]}" for code, name in sorted(names.items())[:12]]
    return ", ".join(shown) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")
