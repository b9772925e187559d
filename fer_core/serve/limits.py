"""Limits of a client of the service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits per request, per client and of all together."""

    megabytes: float = 20.0  # size of a request's body
    # Pictures up to this size are analysed within 1 GB of memory (benchmarks/photo_memory.py).
    megapixels: float = 50.0
    files: int = 50  # in a request
    video_seconds: float = 120.0  # length of a video
    video_work_seconds: float = 60.0  # within which a video has to be analysed
    at_once: int = 2  # pictures analysed at the same time; others wait
    per_minute: int = 120  # requests and further files from one client address
    at_once_per_client: int = 32  # requests of one client address that are under way
    requests_at_once: int = 128  # of all addresses
    all_megabytes: float = 200.0  # of the bodies of all requests together
    body_seconds: float = 30.0  # within which a body has to come

    @property
    def bytes(self) -> int:
        return round(self.megabytes * 2**20)

    @property
    def all_bytes(self) -> int:
        return round(max(self.all_megabytes, 2 * self.megabytes) * 2**20)

    @property
    def pixels(self) -> int:
        return round(self.megapixels * 10**6)
