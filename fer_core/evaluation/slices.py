"""Accuracy on slices of the images: dark, blurred, contested and otherwise hard ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..metrics.interval import Proportion, difference_interval

LEAST = 20  # images; a smaller slice has no meaningful accuracy
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
_AGREEMENT = (  # share of the voters that chose the most frequent answer
    (0.0, 0.5, "voters split (at most 50% agree)"),
    (0.5, 0.7, "voters unsure (51 to 70% agree)"),
    (0.7, 0.9, "voters fairly sure (71 to 90%)"),
    (0.9, 1.0, "voters agree (more than 90%)"),
)


@dataclass(frozen=True)
class Slice:
    """Some of the images, selected by one measure."""

    measure: str
    name: str
    positions: np.ndarray  # of the images, ascending
    right: Proportion
    rest: Proportion  # all other images with a value of the measure
    worse: bool  # significantly worse than the rest


@dataclass(frozen=True)
class Slices:
    """Slices of the images, worst first."""

    slices: tuple[Slice, ...]
    left_out: tuple[str, ...]  # sentences: which slices could not be measured, and why

    @property
    def level(self) -> float:
        """Return the confidence of the mark `worse`: 95% for all slices together (Bonferroni)."""
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
    """Compute the accuracy of `probabilities` (n, C) against `true` (n,) by properties of the images.

    A slice is marked if the interval of its difference from the rest (Newcombe's) lies entirely below 0, at a
    level that holds for all slices together (Bonferroni), so that looking at many slices marks none by
    chance.

    Args:
        brightness, contrast, sharpness: (n,), see `quality.statistics`.
        votes: (n, 10) FER+ votes.
        face_size: (n,) share of the frame, NaN if no face was found, see `face_size.face_sizes`.
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
        cuts += [(measure, name, members, ~np.isnan(values) | (name == _NO_FACE)) for name, members in cut]
    if votes is not None:
        totals = votes.sum(axis=1)
        share = votes.max(axis=1) / np.maximum(totals, 1)
        for low, high, name in _AGREEMENT:
            cuts.append(("vote agreement", name, (totals > 0) & (share > low) & (share <= high), totals > 0))
    enough = []
    for measure, name, members, measured in cuts:
        count, rest_members = int(members.sum()), int((measured & ~members).sum())
        if count >= LEAST and rest_members >= LEAST:
            enough.append((measure, name, members, measured))
        elif count:
            left_out.append(
                f"{name[0].upper()}{name[1:]}: only {min(count, rest_members)} images, too few to be "
                "meaningful "
                f"(expected at least {LEAST})."
            )
    z = float(norm.ppf(1 - 0.025 / max(1, len(enough))))
    result = []
    for measure, name, members, measured in enough:
        rest_members = measured & ~members
        inside, rest = (
            Proportion(int(right[part].sum()), int(part.sum())) for part in (members, rest_members)
        )
        result.append(
            Slice(
                measure,
                name,
                np.flatnonzero(members),
                inside,
                rest,
                difference_interval(inside, rest, z)[1] < 0,
            )
        )
    return Slices(tuple(sorted(result, key=lambda s: s.right.share)), tuple(left_out))


def _by_value(measure: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield fifths of the images by a measure, with their bounds in the name.

    Images without a value are a separate slice.
    """
    measured = values[~np.isnan(values)]
    if len(measured):
        edges = np.quantile(measured, np.linspace(0, 1, _PARTS + 1))
        for word, low, high in zip(_FIFTHS[measure], edges[:-1], edges[1:], strict=True):
            # The highest value belongs to the last non-empty slice: many images may have it.
            members = (values >= low) & ((values < high) if high < edges[-1] else (values <= high))
            if low < high:
                yield f"{word} ({_range(measure, low, high)})", members
    if np.isnan(values).any():
        yield _NO_FACE, np.isnan(values)


def _range(measure: str, low: float, high: float) -> str:
    if measure == "face size":
        return f"{100 * low:.0f} to {100 * high:.0f}% of frame"
    digits = 0 if high - low > 5 else 1
    return f"{low:,.{digits}f} to {high:,.{digits}f}"
