"""Cleanup of visitors' files: by age and size, longest away first, and never under an active run."""

from __future__ import annotations

import os
import time
from pathlib import Path

from filelock import FileLock

from fer_core.data import cache, open_dataset
from fer_core.hosting import cleaning, visitors
from tests.hosting.conftest import Host

DAY = 86_400


def left(host: Host, days: float, megabytes: int = 0) -> Path:
    """A visitor's folder, last seen so long ago."""
    home = host.visitor()
    (home / "data").mkdir()
    (home / "data" / "faces.csv").write_bytes(b"0" * megabytes * 1_000_000)
    (home / "seen").touch()
    for path in (home / "seen", home / "data", home):
        os.utime(path, (time.time() - days * DAY,) * 2)
    return home


def test_what_is_old_goes_and_who_comes_back_keeps_everything(host: Host) -> None:
    all_visitors = host.allow(days=7)
    old, back, new = left(host, 8), left(host, 8), left(host, 6)
    visitors.touch(back)
    assert cleaning.clean(all_visitors) == [old.name]
    assert (
        not old.exists() and back.exists() and new.exists() and (all_visitors.root / "hosting.json").exists()
    )


def test_where_it_is_too_much_the_longest_away_go_first(host: Host) -> None:
    all_visitors = host.allow(total_mb=10)
    homes = [left(host, days, 4) for days in (1, 3, 2)]
    assert cleaning.clean(all_visitors) == [homes[1].name]
    assert cleaning.total(all_visitors) == 8_000_000


def test_a_run_under_way_is_never_deleted(host: Host) -> None:
    all_visitors = host.allow(days=1)
    home = left(host, 30)
    run = host.run(home)
    run.write_status("running")
    (
        os.utime(home, (0, 0)),
        os.utime(home / "runs", (0, 0)),
        os.utime(home / "seen", (0, 0)),
        os.utime(home / "data", (0, 0)),
    )
    with FileLock(run.path / "lock"):
        assert cleaning.clean(all_visitors) == [] and run.exists()
    assert cleaning.clean(all_visitors) == [home.name]


def test_parsed_copies_go_with_time_and_strange_folders_stay(host: Host) -> None:
    all_visitors = host.allow(days=7)
    open_dataset("synthetic:2100:5")
    entries = list(cache.folder().iterdir())
    assert entries
    (all_visitors.root / "notes").mkdir()
    for entry in entries:
        os.utime(entry, (0, 0))
    cleaning.clean(all_visitors)
    assert not any(entry.exists() for entry in entries) and (all_visitors.root / "notes").is_dir()


def test_what_a_dead_cleaner_left_is_cleared(host: Host) -> None:
    (host.visitors.root / ".waste-abc").mkdir()
    cleaning.clean(host.visitors)
    assert not (host.visitors.root / ".waste-abc").exists()
