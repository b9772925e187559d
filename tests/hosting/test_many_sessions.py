"""Sessions one after another on few descriptors: each is served, and the health check tells the truth."""

from __future__ import annotations

import asyncio
import resource
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.streamlit_client import Visitor
from fer_core.hosting import descriptors
from fer_core.hosting.settings import HostingSettings
from pages.session import health
from tests.pages.conftest import Server

DESCRIPTORS = 256


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A hosted app with `ulimit -n 256`."""
    monkeypatch.setenv("FER_HOSTED", "1")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

    started = Server(tmp_path, preloaded=False, prepare=limit)
    yield started
    started.stop()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


async def visit_one_after_another(url: str, count: int) -> int:
    """Return how many of the sessions got their page."""
    served = 0
    for _ in range(count):
        async with Visitor(url) as visitor:
            await visitor.open(timeout=60)
            served += "FER Explorer" in visitor.text() and not visitor.lost
    return served


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(80, marks=pytest.mark.long),
        pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(7200)]),
    ],
)
def test_sessions_one_after_another_are_served_on_256_descriptors(small: Server, count: int) -> None:
    """At three descriptors for each, nobody was served after some 60."""
    assert asyncio.run(visit_one_after_another(small.url, count)) == count
    with urllib.request.urlopen(f"{small.url}/_stcore/health", timeout=10) as answer:
        assert answer.status == 200


def test_the_health_check_fails_when_descriptors_or_memory_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_problem", "")
    monkeypatch.setattr(descriptors, "left", lambda: 3)
    health.check(HostingSettings())
    assert "Only 3 files and sockets" in health._problem
    monkeypatch.setattr(descriptors, "left", lambda: 1000)
    monkeypatch.setattr(health.memory, "free", lambda limit: 10_000_000)
    health.check(HostingSettings())
    assert health._problem == "Only 10 MB of memory are left."
    monkeypatch.setattr(health.memory, "free", lambda limit: 10**9)
    health.check(HostingSettings())
    assert not health._problem


def test_the_limit_of_descriptors_is_raised() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        descriptors.raise_limit()
        assert descriptors.limit() in (before[1], None)
        assert descriptors.open_now() > 3
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
