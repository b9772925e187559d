"""Most frequent confusions of a model, in words."""

from __future__ import annotations

import numpy as np

from .interval import Proportion


def confusions(matrix: np.ndarray, labels: tuple[str, ...], max_pairs: int = 6) -> list[str]:
    """Describe the pairs of classes with the most errors, both directions in one sentence.

    Pairs without errors are left out.

    Args:
        matrix: (C, C) counts, rows true, columns predicted.
    """
    off = matrix - np.diag(np.diag(matrix))
    both = np.triu(off + off.T)
    errors = max(1, int(off.sum()))
    out = []
    for place in np.argsort(-both, axis=None, kind="stable")[:max_pairs]:
        a, b = (int(i) for i in np.unravel_index(place, both.shape))
        if not both[a, b]:
            break
        if off[b, a] > off[a, b]:
            a, b = b, a
        forward, backward = (Proportion(int(off[i, j]), int(matrix[i].sum())) for i, j in ((a, b), (b, a)))
        text = f"{labels[a]} is taken for {labels[b]} on {_share_in_words(forward, ' images')}"
        text += (
            f", and {labels[b]} for {labels[a]} on {_share_in_words(backward)}"
            if backward.hits
            else f", {labels[b]} never for {labels[a]}"
        )
        together = forward.hits + backward.hits
        out.append(
            f"{text[0].upper()}{text[1:]}: {together:,} {'error' if together == 1 else 'errors'}, "
            f"{together / errors:.0%} of all."
        )
    return out


def _share_in_words(part: Proportion, of: str = "") -> str:
    low, high = part.interval
    return f"{part.hits:,} of {part.count:,}{of} ({part.share:.1%}; {low:.1%} to {high:.1%})"
