"""Cleanup of visitors' files: by age, and the oldest first if there are too many, but never those in use."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from .. import storage
from ..data import cache
from .visitors import Visitors, folder_size, last_seen, running_of

_DAY = 86_400
_HOUR = 3_600
_MARK = "cleaned"  # touched at each cleaning
_WASTE = ".waste-"
_GUESTS_MB = 200  # of results for visitors who have kept nothing


def clean(visitors: Visitors, spared: Path | None = None, more: int = 0) -> list[str]:
    """Delete the folders of visitors who have been away for long.

    Then delete others, longest away first, until the rest fits; never those of the last hour.

    Args:
        spared: Folder of a visitor that is kept, since the visitor is active.
        more: Bytes of additional space that are needed.

    Returns:
        The names of the deleted folders.
    """
    _forgive_gap(visitors)
    now, settings, deleted = time.time(), visitors.settings, []
    homes = sorted(visitors.homes(), key=last_seen)
    sizes = {home: folder_size(home) for home in homes}
    remaining = sum(sizes.values()) + more
    for home in homes:
        away = now - last_seen(home)
        # Nobody makes room with fresh cookies at the cost of those who are here: they wait instead.
        makes_room = remaining > settings.total_mb * 1_000_000 and away > _HOUR
        if home == spared or not (away > settings.days * _DAY or makes_room) or not _delete(home):
            continue
        remaining -= sizes[home]
        deleted.append(home.name)
    _clear_waste(visitors)
    _clear_guests()
    _clear_parsed(now - settings.days * _DAY)
    return deleted


def total(visitors: Visitors) -> int:
    """Return the bytes of all visitors together."""
    return sum(folder_size(home) for home in visitors.homes())


def _delete(home: Path) -> bool:
    """Delete a folder unless one of its runs is active; return whether it was deleted."""
    if running_of(home):
        return False
    waste = home.with_name(f"{_WASTE}{home.name}")
    try:
        home.rename(waste)  # removed from view in one step
    except OSError:
        return False
    shutil.rmtree(waste, ignore_errors=True)
    return True


def _clear_waste(visitors: Visitors) -> None:
    """Delete what an interrupted deletion left."""
    with contextlib.suppress(OSError):
        for path in visitors.root.glob(f"{_WASTE}*"):
            shutil.rmtree(path, ignore_errors=True)


def _forgive_gap(visitors: Visitors) -> None:
    """Count no time as absence in which nobody could come: the server was off, or its clock jumped ahead."""
    mark = visitors.root / _MARK
    with contextlib.suppress(OSError):
        gap = time.time() - mark.stat().st_mtime if mark.exists() else 0.0
        if gap > _DAY:
            for home in visitors.homes():
                seen = min(last_seen(home) + gap, time.time())
                (home / "seen").touch()
                os.utime(home / "seen", (seen, seen))
        mark.touch()


def _clear_guests() -> None:
    """Delete the oldest results for visitors who have kept nothing, as far as there are too many."""
    with contextlib.suppress(OSError):
        files = [path for path in storage.guests_cache().rglob("*") if path.is_file()]
        files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > _GUESTS_MB * 1_000_000:
                path.unlink(missing_ok=True)


def _clear_parsed(before: float) -> None:
    """Delete parsed data sets that have not been opened for long, including uploads."""
    with contextlib.suppress(OSError):
        for entry in cache.folder().iterdir():
            if entry.stat().st_mtime < before:
                shutil.rmtree(entry, ignore_errors=True)
