"""How much one client may ask of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """All are per request, but the last."""

    megabytes: float = 20.0  # of a request's body
    megapixels: float = (
        50.0  # of a picture; so many are analysed within 1 GB of memory (benchmarks/photo_memory.py)
    )
    at_once: int = 2  # pictures that are analysed at the same time; others wait
    per_minute: int = 120  # requests of one client's address

    @property
    def bytes(self) -> int:
        return round(self.megabytes * 2**20)

    @property
    def pixels(self) -> int:
        return round(self.megapixels * 10**6)
