"""95 % intervals of shares: every result that is a share carries one."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054  # the normal distribution has 95 % of itself within so many standard deviations


def wilson_interval(successes: int, count: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % by default (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if not count:
        return (0.0, 1.0)
    p = successes / count
    centre = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return (max(0.0, centre - half), min(1.0, centre + half))


@dataclass(frozen=True)
class Proportion:
    """So many of so many."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """0 where there is nothing to count; look at `count` before it is shown."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.hits, self.count)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.1%} ({low:.1%} to {high:.1%})" if self.count else "unknown (no image)"


def difference_interval(a: Proportion, b: Proportion, z: float = Z95) -> tuple[float, float]:
    """Interval of `a.share - b.share` for two groups of different images: Newcombe's hybrid score interval.

    Newcombe 1998, method 10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. For the same images answered by
    two models see `comparison`.
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
