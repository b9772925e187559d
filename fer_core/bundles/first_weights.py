"""Where the weights that a model started from were first learned, for its card."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import ModelError
from ..zoo import applications, face_weights
from .bundle import Bundle, find_bundle
from .card_values import as_dict


def first_weights(start_from: str | None) -> str | None:
    """Return where the weights that `start_from` names were first learned; None if here."""
    if start_from is None:
        return None
    if start_from == applications.IMAGENET:
        return applications.ORIGIN
    if face_weights.is_tarball(start_from):
        return face_weights.ORIGIN
    try:
        return first_weights_of([find_bundle(start_from)])
    except ModelError:  # removed meanwhile
        return None


def first_weights_of(bundles: Iterable[Bundle]) -> str | None:
    """Return the same for the networks of some bundles."""
    for bundle in bundles:
        start_from = as_dict(as_dict(bundle.card, "config"), "train").get("start_from")
        if found := bundle.card.get("first_weights") or first_weights(start_from):
            return str(found)
    return None
