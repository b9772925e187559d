"""Outputs of a network: what they are, and the class of each."""

from __future__ import annotations

import numpy as np

from .. import emotions
from ..errors import DataError, ModelError
from ..label_orders import ORDERS, TITLES, UNUSED, names_of

LOGITS, PROBABILITIES, SCORES = "logits", "probabilities", "scores"
MOST = 40  # outputs
_CONTEMPT = "contempt"


def kind_of(outputs: np.ndarray) -> str:
    """Return what (N, K) outputs are: probabilities that sum to 1, scores in 0..1 that do not, or logits."""
    if outputs.min() < -1e-6 or outputs.max() > 1 + 1e-6:
        return LOGITS
    return PROBABILITIES if np.allclose(outputs.sum(axis=1), 1, atol=1e-2) else SCORES


def probabilities(outputs: np.ndarray, classes: tuple[str, ...], kind: str) -> np.ndarray:
    """Return the probabilities of the seven classes, (N, 7), for outputs (N, K).

    Outputs without a class are left out, and what remains sums to 1; a class without an output gets 0.
    """
    used = [k for k, name in enumerate(classes) if name in emotions.NAMES]
    values = outputs[:, used].astype(np.float64)
    shares = np.exp(values - values.max(axis=1, keepdims=True)) if kind == LOGITS else values.clip(0)
    by_class = np.zeros((len(values), len(emotions.NAMES)))
    by_class[:, [emotions.NAMES.index(classes[k]) for k in used]] = shares / (
        shares.sum(axis=1, keepdims=True) + 1e-9
    )
    return by_class


def check_finite(outputs: np.ndarray) -> None:
    """Check that some of (N, K) outputs are numbers.

    Raises:
        ModelError: None is.
    """
    if not np.isfinite(outputs).any():
        raise ModelError("The network answers nothing but NaN or infinity: its file may be damaged.")


def check_count(count: int | None, what: str) -> int:
    """Return the number of outputs of a network.

    Raises:
        ModelError: It cannot be a number of classes.
    """
    if count is None or not 2 <= count <= MOST:
        raise ModelError(
            f"{what} has {'an open number of' if count is None else count} outputs: expected one for each "
            f"of 2 to {MOST} classes, such as {len(emotions.NAMES)}."
        )
    return count


def classes_of(order: str, count: int) -> tuple[str, ...]:
    """Return the class of each output, "-" for one without a class.

    Args:
        order: See `label_orders.names_of`; its first name belongs to output 0.
        count: Outputs of the network.

    Raises:
        ModelError: The order is not known, or names another number of outputs.
    """
    try:
        names = names_of(order)
    except DataError as error:
        raise ModelError(str(error)) from None
    listed = [names.get(code, UNUSED) for code in range(max(names) + 1)]
    if "," in order:  # the names end with those for numbers without use
        listed += [UNUSED] * (len(order.split(",")) - len(listed))
    elif len(listed) == count + 1 and listed[0] == UNUSED:  # numbers from 1, but outputs from 0
        listed = listed[1:]
    if len(listed) != count:
        raise ModelError(
            f"{order[:200]!r} names {len(listed)} outputs, but the network has {count}: expected a name for "
            f"each, or {UNUSED} for one without a class."
        )
    class_names = [emotions.find(name) for name in listed]
    classes = tuple(name or word for name, word in zip(class_names, listed, strict=True))
    named = [name for name in class_names if name]
    if len(set(named)) < len(named):
        raise ModelError(f"{order[:200]!r} names a class twice: expected each at most once.")
    return classes


def known_orders(count: int) -> dict[str, tuple[str, ...]]:
    """Return the orders in use for so many outputs: names for `classes_of` by title."""
    orders: dict[str, tuple[str, ...]] = {}
    for key in ORDERS:
        try:
            classes = classes_of(key, count)
        except ModelError:
            continue
        if classes not in orders.values():
            orders[TITLES[key]] = classes
    if count == len(emotions.NAMES) + 1:
        orders[f"Alphabetical with {_CONTEMPT}"] = tuple(sorted((*emotions.NAMES, _CONTEMPT)))
    return orders


def title_of(classes: tuple[str, ...]) -> str:
    """Return the name of an order, or its classes."""
    titles = {order: title for title, order in known_orders(len(classes)).items()}
    return titles.get(classes) or ", ".join(classes)


def order_text(classes: tuple[str, ...]) -> str:
    """Return an order as `classes_of` reads it."""
    return ",".join(classes)
