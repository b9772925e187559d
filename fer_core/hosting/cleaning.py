"""Clear what visitors left: by age, and the oldest first where it has become too much. Never what a process is at work in."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from ..data import cache
from . import visitors
from .visitors import Visitors

_DAY = 86_400
_WASTE = ".waste-"


def clean(everybody: Visitors, spared: Path | None = None, more: int = 0) -> list[str]:
    """Delete the folders of visitors who have not been here for long, and others, longest away first, until the rest fits.

    Args:
        spared: a visitor's folder that stays whatever it takes, since the visitor is at work.
        more: bytes that there has to be room for besides.

    Returns:
        The names of the folders that were deleted.
    """
    now, settings, gone = time.time(), everybody.settings, []
    homes = sorted(everybody.homes(), key=visitors.last_seen)
    sizes = {home: visitors.size(home) for home in homes}
    left = sum(sizes.values()) + more
    for home in homes:
        old = now - visitors.last_seen(home) > settings.days * _DAY
        if home == spared or not (old or left > settings.total_mb * 1_000_000) or not _delete(home):
            continue
        left -= sizes[home]
        gone.append(home.name)
    _clear_waste(everybody)
    _clear_parsed(now - settings.days * _DAY)
    return gone


def total(everybody: Visitors) -> int:
    """Bytes of all visitors together."""
    return sum(visitors.size(home) for home in everybody.homes())


def _delete(home: Path) -> bool:
    """Whether it was deleted: not while a run in it is under way."""
    if visitors.running_of(home):
        return False
    waste = home.with_name(f"{_WASTE}{home.name}")
    try:
        home.rename(waste)  # out of sight in one step
    except OSError:
        return False
    shutil.rmtree(waste, ignore_errors=True)
    return True


def _clear_waste(everybody: Visitors) -> None:
    """What is left where a process died while it deleted."""
    with contextlib.suppress(OSError):
        for path in everybody.root.glob(f"{_WASTE}*"):
            shutil.rmtree(path, ignore_errors=True)


def _clear_parsed(before: float) -> None:
    """Parsed data sets that nobody opened since, uploads among them."""
    with contextlib.suppress(OSError):
        for entry in cache.folder().iterdir():
            if entry.stat().st_mtime < before:
                shutil.rmtree(entry, ignore_errors=True)
