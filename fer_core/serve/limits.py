"""Limits of a client of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits per request, except the last."""

    megabytes: float = 20.0  # size of a request's body
    # Pictures up to this size are analysed within 1 GB of memory (benchmarks/photo_memory.py).
    megapixels: float = 50.0
    at_once: int = 2  # pictures analysed at the same time; others wait
    per_minute: int = 120  # requests from one client address

    @property
    def bytes(self) -> int:
        return round(self.megabytes * 2**20)

    @property
    def pixels(self) -> int:
        return round(self.megapixels * 10**6)
