"""The whole app on a small host with 1 GB and half a core; benchmarks/limited.py sets the limit."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is made with what Linux has"),
]


def test_everything_works_within_a_gigabyte_and_half_a_core_and_nothing_is_killed(tmp_path: Path) -> None:
    from benchmarks.hosting import VIEWS, Host, training
    from benchmarks.streamlit_client import Visitor

    host = Host(tmp_path, megabytes=1000, cores=0.5)
    print(host.limited.how)

    async def visit() -> None:
        async with Visitor(host.url) as visitor:
            for page, says in (
                ("", "FER Explorer"),
                ("dataset", "3,500 faces"),
                ("evaluate", "Evaluate"),
                ("models", "Scoreboard"),
            ):
                await visitor.open(page)
                assert not visitor.errors() and says in visitor.text(), page
            await visitor.open("dataset")
            for view, says in VIEWS.items():
                if view != "Overview":
                    await visitor.choose("View", view)
                assert not visitor.errors() and says in visitor.text(), view
            await visitor.open("evaluate", "evaluate_view=Classes")
            assert not visitor.errors() and visitor.lost == 0
            await visitor.open("predict")
            await visitor.choose("Picture from", "Sample")
            assert not visitor.errors() and "%" in visitor.text()
            assert visitor.lost == 0

    async def many() -> None:
        visitors = [Visitor(host.url) for _ in range(20)]
        for visitor in visitors:
            await visitor.__aenter__()
            await visitor.open("dataset")
        await asyncio.gather(
            *(visitor.choose("View", list(VIEWS)[1 + i % 2]) for i, visitor in enumerate(visitors))
        )
        for i, visitor in enumerate(visitors):
            assert visitor.lost == 0 and VIEWS[list(VIEWS)[1 + i % 2]] in visitor.text()
            await visitor.__aexit__()

    try:
        asyncio.run(visit())
        asyncio.run(many())
        assert asyncio.run(training(host)) == "finished"
        assert not host.limited.killed and host.limited.process.poll() is None
        print(
            {kind: f"{size / 1e6:.0f} MB" for kind, size in host.limited.peaks.items()},
            f"all {host.limited.peak / 1e6:.0f} MB",
        )
        assert host.limited.peak < 1_000_000_000 and host.limited.peaks["training"] > 100_000_000
    finally:
        host.stop()
