"""95% confidence intervals of proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054  # 0.975 quantile of the standard normal distribution


def wilson_interval(successes: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, 95% by default.

    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if not count:
        return (0.0, 1.0)
    p = successes / count
    centre = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return (max(0.0, centre - half), min(1.0, centre + half))


@dataclass(frozen=True)
class Proportion:
    """A count out of a total."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """Return the share, 0 if `count` is 0; check `count` before showing it."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.hits, self.count)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.1%} ({low:.1%} to {high:.1%})" if self.count else "unknown (no image)"


def difference_interval(a: Proportion, b: Proportion, z: float = Z95) -> tuple[float, float]:
    """Return Newcombe's interval of `a.share - b.share` for two groups of different images.

    Newcombe 1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. For the
    same images answered by two models see `comparison`.
    """
    (low_a, high_a), (low_b, high_b) = (
        wilson_interval(a.hits, a.count, z),
        wilson_interval(b.hits, b.count, z),
    )
    difference = a.share - b.share
    return (
        difference - math.hypot(a.share - low_a, high_b - b.share),
        difference + math.hypot(high_a - a.share, b.share - low_b),
    )
