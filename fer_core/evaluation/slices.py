"""Where a model does worse: accuracy on dark, blurred, contested and otherwise hard images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .interval import Proportion, difference_interval

LEAST = 20  # images; a smaller slice says nothing
_PARTS = 5
_FIFTHS = {
    "brightness": ("darkest fifth", "darker fifth", "middle brightness", "brighter fifth", "brightest fifth"),
    "contrast": ("flattest fifth", "flatter fifth", "middle contrast", "more contrast", "most contrast"),
    "sharpness": (
        "most blurred fifth",
        "more blurred fifth",
        "middle sharpness",
        "sharper fifth",
        "sharpest fifth",
    ),
    "face size": ("smallest faces", "smaller faces", "middle faces", "larger faces", "largest faces"),
}
_NO_FACE = "no face found"
_AGREEMENT = (  # of the voters, how many chose the answer that most chose
    (0.0, 0.5, "voters split (at most 50 % agree)"),
    (0.5, 0.7, "voters unsure (51 to 70 % agree)"),
    (0.7, 0.9, "voters fairly sure (71 to 90 %)"),
    (0.9, 1.0, "voters agree (more than 90 %)"),
)


@dataclass(frozen=True)
class Slice:
    """Some of the images, by one measure."""

    measure: str
    name: str
    positions: np.ndarray  # of the images, ascending
    right: Proportion
    rest: Proportion  # all other images that the measure is known for
    worse: bool  # than the rest, by more than chance


@dataclass(frozen=True)
class Slices:
    """The slices, worst first."""

    slices: tuple[Slice, ...]
    left_out: tuple[str, ...]  # sentences: what could not be told, and why

    @property
    def level(self) -> float:
        """How sure the mark `worse` is: 95 % for all slices together (Bonferroni)."""
        return 1 - 0.05 / max(1, len(self.slices))


def slices(
    probabilities: np.ndarray,
    true: np.ndarray,
    *,
    brightness: np.ndarray,
    contrast: np.ndarray,
    sharpness: np.ndarray,
    votes: np.ndarray | None = None,
    face_size: np.ndarray | None = None,
) -> Slices:
    """Accuracy of `probabilities` (n, C) against `true` (n,) by what the images are like.

    A slice is marked where the interval of its difference to the rest (Newcombe's) lies wholly below 0 at the level that holds for
    all slices together (Bonferroni), so that looking at many slices marks none by chance.

    Args:
        brightness, contrast, sharpness: (n,), see `quality.statistics`.
        votes: (n, 10) FER+ votes.
        face_size: (n,) share of the frame, NaN where no face was found, see `face_size.face_sizes`.
    """
    from scipy.stats import norm

    right = probabilities.argmax(axis=1) == true
    measures = {"brightness": brightness, "contrast": contrast, "sharpness": sharpness}
    measures |= {"face size": face_size} if face_size is not None else {}
    cuts, left_out = [], []
    for measure, values in measures.items():
        cut = list(_by_value(measure, values.astype(np.float64)))
        if len([name for name, _ in cut if name != _NO_FACE]) < 2:
            left_out.append(f"All images have about the same {measure}.")
        cuts += [(measure, name, here, ~np.isnan(values) | (name == _NO_FACE)) for name, here in cut]
    if votes is not None:
        totals = votes.sum(axis=1)
        share = votes.max(axis=1) / np.maximum(totals, 1)
        for low, high, name in _AGREEMENT:
            cuts.append(("vote agreement", name, (totals > 0) & (share > low) & (share <= high), totals > 0))
    enough = []
    for measure, name, here, known in cuts:
        count, others = int(here.sum()), int((known & ~here).sum())
        if count >= LEAST and others >= LEAST:
            enough.append((measure, name, here, known))
        elif count:
            left_out.append(
                f"{name[0].upper()}{name[1:]}: only {min(count, others)} images, which say nothing (at least {LEAST} do)."
            )
    z = float(norm.ppf(1 - 0.025 / max(1, len(enough))))
    found = []
    for measure, name, here, known in enough:
        others = known & ~here
        inside, rest = (Proportion(int(right[part].sum()), int(part.sum())) for part in (here, others))
        found.append(
            Slice(
                measure, name, np.flatnonzero(here), inside, rest, difference_interval(inside, rest, z)[1] < 0
            )
        )
    return Slices(tuple(sorted(found, key=lambda s: s.right.share)), tuple(left_out))


def _by_value(measure: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Fifths of the images by a measure, with their ends in the name; images without a value are a slice of their own."""
    known = values[~np.isnan(values)]
    if len(known):
        edges = np.quantile(known, np.linspace(0, 1, _PARTS + 1))
        for word, low, high in zip(_FIFTHS[measure], edges[:-1], edges[1:], strict=True):
            # The highest value belongs to the last slice that is not empty: many images may have it.
            here = (values >= low) & ((values < high) if high < edges[-1] else (values <= high))
            if low < high:
                yield f"{word} ({_range(measure, low, high)})", here
    if np.isnan(values).any():
        yield _NO_FACE, np.isnan(values)


def _range(measure: str, low: float, high: float) -> str:
    if measure == "face size":
        return f"{100 * low:.0f} to {100 * high:.0f} % of frame"
    digits = 0 if high - low > 5 else 1
    return f"{low:,.{digits}f} to {high:,.{digits}f}"
