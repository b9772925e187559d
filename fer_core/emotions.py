"""Emotion labels: names, order, aliases and colours of the seven classes.

The order is that of the `emotion` codes in FER2013's CSV. Class folders sort alphabetically, which is another
order, so a label always enters the program through `from_name` or `from_code` and travels by its name from
there on.
"""

from __future__ import annotations

import difflib

from .errors import DataError

NAMES: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

# Okabe and Ito's palette, which stays distinguishable with every common colour vision deficiency
# (https://jfly.uni-koeln.de/color/). A class has the same colour on every page and in every chart.
COLOURS: dict[str, str] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "neutral": "#8C8C8C",
}

EMOJI: dict[str, str] = {
    "angry": "😠",
    "disgust": "🤢",
    "fear": "😨",
    "happy": "😄",
    "sad": "😢",
    "surprise": "😮",
    "neutral": "😐",
}

# Common names of class folders and labels.
_ALIASES: dict[str, tuple[str, ...]] = {
    "angry": ("anger", "mad"),
    "disgust": ("disgusted",),
    "fear": ("fearful", "afraid", "scared"),
    "happy": ("happiness", "joy", "joyful", "smile", "smiling"),
    "sad": ("sadness",),
    "surprise": ("surprised", "surprize"),
    "neutral": ("calm", "neutrality"),
}

_BY_WORD = {word: name for name in NAMES for word in (name, *_ALIASES[name])}


def find(word: str) -> str | None:
    """Return the label that `word` means ("Happiness" -> "happy"), or None.

    Case, blanks and a leading number are ignored.
    """
    return _BY_WORD.get(word.strip().strip("_-. 0123456789").lower())


def suggest(word: str) -> str | None:
    """Return the label that is spelt almost like `word` ("suprise" -> "surprise"), or None."""
    close = difflib.get_close_matches(word.strip().lower()[:40], _BY_WORD, 1, cutoff=0.8)
    return _BY_WORD[close[0]] if close else None


def from_name(word: str) -> str:
    """Return the label that `word` means.

    Raises:
        DataError: There is no such label.
    """
    name = find(word)
    if name is None:
        raise DataError(
            f"Unknown class name {word!r}: expected one of {', '.join(NAMES)} (or a usual synonym)."
        )
    return name


def from_code(code: int) -> str:
    """Return the label of FER2013's numeric code 0 to 6.

    Raises:
        DataError: The code is outside 0 to 6.
    """
    if not 0 <= code < len(NAMES):
        raise DataError(f"Unknown emotion code {code}: expected 0 to 6 (0 angry, 1 disgust, ... 6 neutral).")
    return NAMES[code]
