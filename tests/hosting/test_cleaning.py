"""Cleanup of visitors' files: by age and size, longest away first, and never under an active run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from fer_core.data import cache, open_dataset
from fer_core.errors import TrainingError
from fer_core.hosting import cleaning, quotas, visitors
from fer_core.storage import cache_folder, set_visitor_folder
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


def test_nobody_of_the_last_hour_is_cleaned_away_for_another(host: Host) -> None:
    """A visitor with ever new cookies filled the disk, and the data of others went."""
    all_visitors = host.allow(total_mb=10, visitor_mb=10)
    here, greedy, away = left(host, 0.5 / 24, 4), left(host, 0, 4), left(host, 2 / 24, 4)
    assert cleaning.clean(all_visitors, greedy, 1_000_000) == [away.name]
    late = host.visitor()
    with pytest.raises(TrainingError, match="used up by others who are here now: try again in an hour"):
        quotas.check_space(late, 3_000_000)
    assert here.exists() and greedy.exists()


@pytest.mark.parametrize("days", [400, -400])
def test_a_jump_of_the_clock_deletes_nothing(host: Host, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    all_visitors = host.allow(days=7)
    home, old = left(host, 3), left(host, 6)
    assert cleaning.clean(all_visitors) == []
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + days * DAY)
    assert cleaning.clean(all_visitors) == []
    monkeypatch.setattr(time, "time", true)
    assert cleaning.clean(all_visitors) == [] and home.exists() and old.exists()


def test_results_for_visitors_who_kept_nothing_are_bounded(
    host: Host, own_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = host.visitors.home(visitors.new_token())
    set_visitor_folder(lambda: home)
    try:
        folder = cache_folder("quality-v1")
        folder.mkdir(parents=True)
        assert not home.exists()
        for i in range(5):
            (folder / str(i)).write_bytes(b"0" * 1_000_000)
            os.utime(folder / str(i), (i, i))
        monkeypatch.setattr(cleaning, "_GUESTS_MB", 3)
        cleaning.clean(host.visitors)
        assert sorted(path.name for path in folder.iterdir()) == ["2", "3", "4"]
        home.mkdir()
        assert cache_folder("quality-v1").is_relative_to(home)
    finally:
        set_visitor_folder(lambda: None)
