"""Admission of requests: how many of one address at once, and how many bytes of bodies of all together."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from .limits import Limits
from .problem import Problem

_BUSY = {"Retry-After": "5"}


class BodyMemory:
    """Bytes of a request's body that are counted until the request ends."""

    def __init__(self, admission: Admission) -> None:
        self._admission, self.taken = admission, 0

    def take(self, count: int) -> None:
        """Count further bytes of the body.

        Raises:
            Problem: All bodies together have too many (503).
        """
        if self._admission.bytes + count > self._admission.limits.all_bytes:
            raise Problem(503, "The service is reading too many pictures now: try again in 5 s.", _BUSY)
        self.taken += count
        self._admission.bytes += count


class Admission:
    """The requests that are under way; used from the event loop alone."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.bytes = limits, 0
        self._by_address: Counter[str] = Counter()

    @contextlib.contextmanager
    def request(self, address: str) -> Iterator[BodyMemory]:
        """Admit a request of an address for the duration of the context.

        Raises:
            Problem: The address has too many under way (429), or all addresses have (503).
        """
        if self._by_address[address] >= self.limits.at_once_per_client:
            raise Problem(
                429,
                f"More than {self.limits.at_once_per_client} requests at the same time: wait for them.",
                _BUSY,
            )
        if self._by_address.total() >= self.limits.requests_at_once:
            raise Problem(503, "The service has too many requests now: try again in 5 s.", _BUSY)
        self._by_address[address] += 1
        memory = BodyMemory(self)
        try:
            yield memory
        finally:
            self.bytes -= memory.taken
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
