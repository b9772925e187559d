"""Text from outside (names, messages, addresses, notes), which Streamlit must not draw as Markdown."""

from __future__ import annotations

import re

MAX_LENGTH = 1000  # characters; a longer text is cut
_JOINER = "\u2060"  # takes no room, and breaks what Streamlit looks for after it has parsed the Markdown
_MARKS = re.compile(
    r"[\\`*\[\]<>$|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)"
    r"|^[-+=#](?=\W|$)|(?<=^\d)[.)]|(?<=^\d\d)[.)]"  # a list or a heading at the beginning of the line
)
# Addresses, e-mail addresses, and the names of colours, emoji and icons are found in the text itself, where
# a backslash does not help.
_FOUND_LATER = re.compile(r"(?<=:)(?=[^\W\d]|[/+\-]|100:|1234:|\d[a-z])|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)


def plain(text: object) -> str:
    """Return Markdown that draws `text` as it is, on one line: without links, pictures, icons or formulas.

    Every text of a page that does not stand in its source goes through this function
    (`tests/pages/test_foreign_text.py`).
    """
    shown = str(text)
    if len(shown) > MAX_LENGTH:
        shown = shown[: MAX_LENGTH - 1] + "…"
    # Control characters, half a surrogate pair and marks that turn the direction of the text are blanks.
    shown = "".join(char if char.isprintable() or char == "\u200d" else " " for char in shown)
    return _FOUND_LATER.sub(_JOINER, _MARKS.sub(r"\\\g<0>", " ".join(shown.split())))


def code(text: object) -> str:
    """Return Markdown that draws `text` as code on one line: a path or a command that can be copied."""
    return f"`{' '.join(str(text).split()).replace('`', chr(39))[:MAX_LENGTH] or ' '}`"
