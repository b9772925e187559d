"""Tries of a network with each scaling and order of classes on labelled faces, to find the ones it was made
with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.dataset import stratified
from ..emotions import NAMES
from ..label_orders import UNUSED
from .input_values import SCALINGS, prepare, scalings_for
from .network import Network
from .outputs import check_finite, kind_of, known_orders, probabilities, title_of

_IMAGES = 500
_PIXELS = 500 * 112 * 112  # of all images of a try; networks that take larger ones are tried on fewer
_FEWEST = 140
_BATCH = 32
# The best assignment of classes is a little better than the right one by chance: it needs this much more.
_MARGIN = 0.05
_LEAST = 1e-6  # probability in the log loss


@dataclass(frozen=True)
class Try:
    """Figures of a network with one scaling and one order of its classes."""

    scaling: str
    classes: tuple[str, ...]
    title: str  # of the order
    accuracy: float
    log_loss: float  # mean of -log(probability of the true class)
    images: int


def run_tries(
    network: Network,
    images: np.ndarray,
    labels: np.ndarray,
    scalings: Sequence[str] | None = None,
    classes: tuple[str, ...] | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
) -> tuple[list[Try], str]:
    """Return a try for each scaling and order, the proposed one first and then by accuracy.

    Args:
        network: The network.
        images: (N, 48, 48) uint8.
        labels: (N,) positions in emotions.NAMES.
        scalings: The scalings to try, instead of all that fit.
        classes: The only order to try.
        on_progress: Called with the share that is done.

    Returns:
        The tries; and what kind the outputs are, see `outputs.kind_of`.
    """
    most = min(_IMAGES, max(_FEWEST, _PIXELS // (network.shape.height * network.shape.width)))
    chosen = stratified(labels, most)
    images, labels = images[chosen], labels[chosen].astype(np.int64)
    scalings = list(scalings or scalings_for(network.shape))
    outputs: dict[str, np.ndarray] = {}  # (N, K) by scaling
    for number, scaling in enumerate(scalings):
        parts = []
        for start in range(0, len(images), _BATCH):
            batch = prepare(images[start : start + _BATCH], network.shape, SCALINGS[scaling])
            parts.append(network.run(batch))
            on_progress((number + min(1.0, (start + _BATCH) / len(images))) / len(scalings))
        outputs[scaling] = np.concatenate(parts)
    check_finite(np.concatenate([*outputs.values()]))
    outputs = {scaling: np.nan_to_num(answers) for scaling, answers in outputs.items()}
    kind = kind_of(np.concatenate([*outputs.values()]))
    tries: list[Try] = []
    for scaling, answers in outputs.items():
        in_file = [network.classes] if network.classes else []
        usual_orders = [*in_file, *known_orders(network.count).values()]
        orders = [classes] if classes else dict.fromkeys(usual_orders)
        new = [_try(scaling, order, answers, labels, kind) for order in orders]
        if classes is None:
            best = _try(scaling, best_order(answers, labels), answers, labels, kind)
            if best.accuracy > max((one.accuracy for one in new), default=0.0):
                new.append(best)
        tries += new
    tries.sort(key=lambda one: -one.accuracy)  # stable: equal ones stay in the order of SCALINGS
    return _proposed_first(tries), kind


def best_order(outputs: np.ndarray, labels: np.ndarray) -> tuple[str, ...]:
    """Return the classes of the outputs with which most answers are right.

    A linear assignment as in `quality.label_permutation`. Where answers leave it open, as for outputs that
    are never the highest, the mean output for each class decides.

    Args:
        outputs: (N, K).
        labels: (N,) positions in emotions.NAMES.
    """
    from scipy.optimize import linear_sum_assignment

    count = outputs.shape[1]
    answers, means = np.zeros((count, len(NAMES))), np.zeros((count, len(NAMES)))
    np.add.at(answers, (outputs.argmax(axis=1), labels), 1)
    relative = (outputs - outputs.mean(axis=0)) / (outputs.std(axis=0) + 1e-9)
    for label in np.unique(labels):
        means[:, label] = relative[labels == label].mean(axis=0)
    rows, columns = linear_sum_assignment(-(answers + 0.01 * means))
    named = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return tuple(NAMES[named[k]] if k in named else UNUSED for k in range(count))


def _try(scaling: str, order: tuple[str, ...], outputs: np.ndarray, labels: np.ndarray, kind: str) -> Try:
    accuracy, log_loss = _figures(outputs, order, labels, kind)
    return Try(scaling, order, title_of(order), accuracy, log_loss, len(labels))


def _figures(
    outputs: np.ndarray, classes: tuple[str, ...], labels: np.ndarray, kind: str
) -> tuple[float, float]:
    """Return accuracy and log loss of those outputs that are one of the seven classes."""
    of_class = probabilities(outputs, classes, kind)
    of_true = of_class[np.arange(len(labels)), labels]
    return float(np.mean(of_class.argmax(axis=1) == labels)), float(-np.log(of_true + _LEAST).mean())


def _proposed_first(tries: list[Try]) -> list[Try]:
    """Return tries, sorted by accuracy, with the proposed one first.

    Of those within a standard error of the highest accuracy, the one with the lowest log loss is proposed,
    since a network is rarely sure of its errors with the input that it was trained on. An order that is in
    use comes before another assignment that is not clearly better.
    """
    usual = [one for one in tries if one.classes in known_orders(len(one.classes)).values()]
    best = tries[0].accuracy
    candidates = usual if usual and best <= usual[0].accuracy + _MARGIN else tries
    error = np.sqrt(best * (1 - best) / tries[0].images)
    proposed = min(
        (one for one in candidates if one.accuracy >= candidates[0].accuracy - error),
        key=lambda one: one.log_loss,
    )
    return [proposed, *(one for one in tries if one is not proposed)]
