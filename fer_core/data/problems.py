"""Unusable images of a source: a few are skipped with a warning, many are an error."""

from __future__ import annotations

import re
from collections import Counter

from .. import emotions
from ..errors import DataError, FerError
from ..wording import plural

# A source with a larger share of unreadable images was probably misread rather than slightly damaged.
MAX_BAD_SHARE = 0.2
_ADVICE = (
    "--map WORD=CLASS reads a label as another class, --leave-out WORD leaves it out, --classes ORDER names "
    "numbers."
)
_SHOWN = 5
_MOST_WORDS = 100
_MOST_LETTERS = 40


class UnknownLabelError(DataError):
    """A label means no class."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(sentence)
        self.word = word


class Problems:
    """Collection of one sentence for each unusable image, and of the labels that mean no class."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.first: list[str] = []
        self.count = 0
        self.other_classes: Counter[str] = Counter()
        self._first_unknown = ""
        self._where: dict[str, str] = {}

    def add(self, sentence: str) -> None:
        """Add a sentence with the row or file, what was expected and what came."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(sentence)

    def add_fault(self, where: str, fault: FerError | str) -> None:
        """Add what is wrong with a row or file; labels that mean no class are counted by their word."""
        if not isinstance(fault, UnknownLabelError):
            return self.add(f"{where}: {fault}")
        if fault.word not in self.other_classes and len(self.other_classes) >= _MOST_WORDS:
            return self.add(f"{where}: {fault}")  # such a column holds no classes
        self.other_classes[fault.word] += 1
        self._where.setdefault(fault.word, where)
        self._first_unknown = self._first_unknown or f"{where}: {fault}"

    def conclude(self, good: int) -> tuple[str, ...]:
        """Return warnings for a source with `good` usable images.

        Raises:
            DataError: More than MAX_BAD_SHARE of the images are bad, or have labels that mean no class.
        """
        unknown = self.other_classes.total()
        bad = self.count + unknown
        if bad > MAX_BAD_SHARE * (good + bad):
            others = f" ({bad - 1:,} more like it.)" if bad > 1 else ""
            advice = "" if self.first else f" {_ADVICE}"
            raise DataError(f"{self.source}: {[*self.first, self._first_unknown][0]}{others}{advice}")
        warnings = []
        if self.count:
            more = f" ... and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
            what = "image was" if self.count == 1 else "images were"
            warnings.append(f"{self.count:,} unusable {what} skipped: {' '.join(self.first)}{more}")
        if unknown:
            words = [self._in_words(word) for word, _ in self.other_classes.most_common(_SHOWN)]
            more = f" and {len(self.other_classes) - _SHOWN:,} more" * (len(self.other_classes) > _SHOWN)
            warnings.append(
                f"{plural(unknown, 'image')} of other classes left out: {', '.join(words)}{more}. {_ADVICE}"
            )
        return tuple(warnings)

    def _in_words(self, word: str) -> str:
        meant = emotions.suggest(word)
        shown = f"code {word}" if re.fullmatch(r"-?\d{1,9}", word) else repr(word[:_MOST_LETTERS])
        return (
            f"{shown} ({self.other_classes[word]:,}, the first is {self._where[word]}"
            f"{f'; is it {meant}?' if meant else ''})"
        )
