"""What is confused with what, in sentences."""

from __future__ import annotations

import numpy as np

from .interval import Proportion


def confusions(matrix: np.ndarray, labels: tuple[str, ...], most: int = 6) -> list[str]:
    """The pairs of classes that cost most answers, both directions in one sentence; pairs without an error are left out.

    Args:
        matrix: (C, C) counts, rows true, columns predicted.
    """
    off = matrix - np.diag(np.diag(matrix))
    both = np.triu(off + off.T)
    errors = max(1, int(off.sum()))
    out = []
    for place in np.argsort(-both, axis=None, kind="stable")[:most]:
        a, b = (int(i) for i in np.unravel_index(place, both.shape))
        if not both[a, b]:
            break
        if off[b, a] > off[a, b]:
            a, b = b, a
        forth, back = (Proportion(int(off[i, j]), int(matrix[i].sum())) for i, j in ((a, b), (b, a)))
        text = f"{labels[a]} is taken for {labels[b]} on {_told(forth, ' images')}"
        text += (
            f", and {labels[b]} for {labels[a]} on {_told(back)}"
            if back.hits
            else f", {labels[b]} never for {labels[a]}"
        )
        together = forth.hits + back.hits
        out.append(
            f"{text[0].upper()}{text[1:]}: {together:,} {'error' if together == 1 else 'errors'}, {together / errors:.0%} of all."
        )
    return out


def _told(part: Proportion, of: str = "") -> str:
    low, high = part.interval
    return f"{part.hits:,} of {part.count:,}{of} ({part.share:.1%}; {low:.1%} to {high:.1%})"
