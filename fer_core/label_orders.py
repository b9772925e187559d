"""Orders in which data sets number their classes."""

from __future__ import annotations

from collections.abc import Mapping

from . import emotions
from .errors import DataError

UNUSED = "-"  # stands for a number that the data do not use
_MAX_NAME = 40  # characters

# From the documentation of each data set; contempt and the like have no class here.
ORDERS: dict[str, tuple[str, ...]] = {
    "fer2013": emotions.NAMES,
    # of Keras' flow_from_directory and image_dataset_from_directory, and of torchvision's ImageFolder
    "alphabetical": tuple(sorted(emotions.NAMES)),
    "affectnet": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    "raf-db": (UNUSED, "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
    "ferplus": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
    "ckplus": ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"),
    "expw": emotions.NAMES,
    "ravdess": (UNUSED, "neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise"),
}
TITLES: dict[str, str] = {
    "fer2013": "FER2013",
    "alphabetical": "Alphabetical (Keras)",
    "affectnet": "AffectNet",
    "raf-db": "RAF-DB",
    "ferplus": "FER+",
    "ckplus": "CK+",
    "expw": "ExpW",
    "ravdess": "RAVDESS",
}


def names_of(order: str) -> dict[int, str]:
    """Return the names by number of an order: a key of ORDERS, or names such as "happy,sad,-,angry".

    The first name belongs to 0; "-" stands for a number that is not used.

    Raises:
        DataError: The order is not known, or names fewer than two classes.
    """
    words = [word.strip() for word in order.split(",")]
    if len(words) == 1:
        if words[0].lower() not in ORDERS:
            raise DataError(
                f"Unknown order of classes {words[0][:_MAX_NAME]!r}: expected one of {', '.join(ORDERS)}, or "
                "the name for each number from 0, such as "
                f"happy,sad,angry, with {UNUSED} for a number that is not used."
            )
        words = list(ORDERS[words[0].lower()])
    names = {code: word for code, word in enumerate(words) if word != UNUSED}
    for code, word in names.items():
        if not word or len(word) > _MAX_NAME:
            raise DataError(
                f"The order of classes {order[:200]!r} has no usable name for {code}: expected at most "
                f"{_MAX_NAME} characters, or {UNUSED} for a number that is not used."
            )
    if len({emotions.find(word) for word in names.values()} - {None}) < 2:
        raise DataError(
            f"The order of classes {order[:200]!r} names fewer than two of {', '.join(emotions.NAMES)}."
        )
    return names


def find_order(names: Mapping[int, str]) -> str | None:
    """Return the key of the order with these names, or None."""
    plain = {code: emotions.find(name) or name for code, name in names.items()}
    for key in ORDERS:
        if {code: emotions.find(name) or name for code, name in names_of(key).items()} == plain:
            return key
    return None


def as_text(names: Mapping[int, str]) -> str:
    """Return names by number as `names_of` reads them: the key of an order, or a list.

    Raises:
        DataError: They cannot be read again; see `names_of`.
    """
    used = {code: name for code, name in names.items() if name != UNUSED}
    if split := [name for name in used.values() if "," in name]:
        raise DataError(f"{split[0][:_MAX_NAME]!r} cannot name a class: expected a name without a comma.")
    text = find_order(used) or ",".join(used.get(code, UNUSED) for code in range(max(used, default=0) + 1))
    names_of(text)
    return text
