"""Unusable images of a source: a few are skipped with a warning, many are an error."""

from __future__ import annotations

from ..errors import DataError

# A source with a larger share of unreadable images was probably misread rather than slightly damaged.
MAX_BAD_SHARE = 0.2


class Problems:
    """Collection of one sentence for each unusable image."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.first: list[str] = []
        self.count = 0

    def add(self, sentence: str) -> None:
        """Add a sentence with the row or file, what was expected and what came."""
        self.count += 1
        if len(self.first) < 5:
            self.first.append(sentence)

    def conclude(self, good: int) -> tuple[str, ...]:
        """Return warnings for a source with `good` usable images.

        Raises:
            DataError: More than MAX_BAD_SHARE of the images are bad.
        """
        if not self.count:
            return ()
        if self.count > MAX_BAD_SHARE * (good + self.count):
            others = f" ({self.count - 1:,} more like it.)" if self.count > 1 else ""
            raise DataError(f"{self.source}: {self.first[0]}{others}")
        more = f" ... and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        what = "image was" if self.count == 1 else "images were"
        return (f"{self.count:,} unusable {what} skipped: {' '.join(self.first)}{more}",)
