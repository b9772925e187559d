"""Open files and sockets of this process, and their limit."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_OPEN = Path("/proc/self/fd")


def raise_limit() -> None:
    """Raise the limit of this process as far as the system allows; many start programs with 1,024 or 256."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows; a limit that macOS does not take
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def limit() -> int | None:
    """Return how many this process may have open, or None if that is unknown or unlimited."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def open_now() -> int:
    """Return how many are open; 0 where the system does not say."""
    try:
        return len(os.listdir(_OPEN))
    except OSError:
        return 0


def left() -> int | None:
    """Return how many may be opened yet, or None if that is unknown or unlimited."""
    most, taken = limit(), open_now()
    return None if most is None or not taken else max(0, most - taken)
