"""Sources of data with options of their labels: `faces.npz?classes=alphabetical`.

The options are part of the source, so that a run, a link or a variant that keeps the source keeps what the
labels mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote

from . import emotions
from .errors import DataError
from .label_orders import names_of


@dataclass(frozen=True)
class LabelOptions:
    """What a user says about the labels of a source."""

    classes: str = ""  # the order of numbers, see `label_orders.names_of`
    mapping: str = ""  # other classes and the class of each: "contempt=disgust,suprise=surprise"
    leave_out: str = ""  # classes or numbers to leave out: "contempt,9"

    def names(self) -> dict[int, str] | None:
        """Return the names of the numbers, or None where the user gave none.

        Raises:
            DataError: The order is not known.
        """
        return names_of(self.classes) if self.classes else None

    def mapped(self) -> dict[str, str]:
        """Return the class of each mapped word, which is in small letters.

        Raises:
            DataError: The mapping cannot be read, or does not lead to a class.
        """
        pairs = [pair.rpartition("=") for pair in self.mapping.split(",") if pair.strip()]
        for word, equals, name in pairs:
            if not equals or not word.strip() or emotions.find(name) is None:
                raise DataError(
                    f"{word}{equals}{name} maps nothing to a class: expected WORD=CLASS such as "
                    f"contempt=disgust, with one of {', '.join(emotions.NAMES)}."
                )
        return _few({word.strip().lower(): emotions.from_name(name) for word, _, name in pairs})

    def left_out(self) -> dict[str, str]:
        """Return the words to leave out as the user wrote them, by the word in small letters.

        Raises:
            DataError: There are too many.
        """
        words = [word.strip() for word in self.leave_out.split(",") if word.strip()]
        return _few({word.lower(): word for word in words})

    def check(self) -> None:
        """Check that all options can be read.

        Raises:
            DataError: One cannot.
        """
        self.names()
        both = self.mapped().keys() & self.left_out().keys()
        if both:
            raise DataError(f"{min(both)!r} is both mapped to a class and left out: choose one of these.")


_KEYS = {"classes": "classes", "map": "mapping", "leave-out": "leave_out"}  # in a source, and as fields
_MOST_WORDS = 100


def _few(words: dict[str, str]) -> dict[str, str]:
    if len(words) > _MOST_WORDS:
        raise DataError(f"{len(words):,} classes are mapped or left out: expected at most {_MOST_WORDS}.")
    return words


def split_source(source: str) -> tuple[str, LabelOptions]:
    """Return the location of a source, and the options of its labels."""
    location, _, query = source.rpartition("?")
    if not query or is_drawn(source) or _exists(source):  # a file name may have a question mark
        return source, LabelOptions()
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=len(_KEYS))
    except ValueError:
        return source, LabelOptions()
    values = dict(pairs)
    if len(values) < len(pairs) or not values.keys() <= _KEYS.keys():
        return source, LabelOptions()
    return location, LabelOptions(**{_KEYS[key]: value for key, value in values.items()})


def join_source(location: str, options: LabelOptions) -> str:
    """Return the source with options.

    Raises:
        DataError: The source has names in place of numbers, or an option is not usable.
    """
    if options == LabelOptions():
        return location
    options.check()
    if is_drawn(location):
        raise DataError(
            f"{location} has the names of its classes already: options of labels are for other data."
        )
    values = {key: getattr(options, name) for key, name in _KEYS.items()}
    return (
        location
        + "?"
        + "&".join(f"{key}={quote(value, safe=',=')}" for key, value in values.items() if value)
    )


def map_location(source: str, change: Callable[[str], str]) -> str:
    """Return a source with its location changed and the same options."""
    location, options = split_source(source)
    return join_source(change(location), options)


def is_drawn(source: str) -> bool:
    """Return whether a source is `synthetic`, with or without options of its own."""
    return source.partition(":")[0].partition("?")[0] == "synthetic"


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, an unknown ~user
        return False
