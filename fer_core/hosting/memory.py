"""How much memory there is for app and runs together, and how much is left."""

from __future__ import annotations

import os
from pathlib import Path

TRAINING_MB = 650  # that a training process needs, see benchmarks/hosting.py
HELPER_MB = 700  # and one for Grad-CAM, an export or a measurement
# glibc keeps memory apart for each thread, which TensorFlow has many of; fewer such arenas and threads take less (benchmarks/hosting.py).
SPARING = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}

_V2, _V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory")
_NO_LIMIT = 1 << 60


def limit(megabytes: int = 0) -> int:
    """Bytes that app and runs may take together: as set, else what the container or the machine has."""
    import psutil

    machine = psutil.virtual_memory().total
    if megabytes:
        return min(machine, megabytes * 1_000_000)
    return min(
        [
            machine,
            *(
                found
                for found in (_number(_V2 / "memory.max"), _number(_V1 / "memory.limit_in_bytes"))
                if found
            ),
        ]
    )


def used(megabytes: int = 0) -> int:
    """Bytes that they take. Files that the system only keeps in memory because it can do not count.

    Args:
        megabytes: the limit where it is set: then the processes are added up, since the system knows of no limit.
    """
    import psutil

    if not megabytes:
        for folder, now, inactive in (
            (_V2, "memory.current", "inactive_file"),
            (_V1, "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limited = _number(folder / ("memory.max" if folder == _V2 else "memory.limit_in_bytes"))
            if limited and limited < psutil.virtual_memory().total and (taken := _number(folder / now)):
                return max(0, taken - group_figure(folder / "memory.stat", inactive))
        known = psutil.virtual_memory()
        return known.total - known.available
    return of_processes(os.getpid())


def free(megabytes: int = 0) -> int:
    """Bytes that are left."""
    import psutil

    return max(0, min(limit(megabytes) - used(megabytes), psutil.virtual_memory().available))


def of_processes(pid: int) -> int:
    """Bytes that a process and those it started take, where pages that they share count once (PSS); RSS where the system does not tell."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(of_one(one.pid) for one in family)


def of_one(pid: int) -> int:
    """The same of one process alone; 0 where it has ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        try:
            return getattr(process.memory_full_info(), "pss", None) or process.memory_info().rss
        except psutil.AccessDenied:
            return process.memory_info().rss
    except (psutil.Error, OSError):
        return 0


def _number(path: Path) -> int | None:
    """The number in a file of the system; None where there is none, or no limit."""
    try:
        value = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or "max"
        return None
    return value if 0 < value < _NO_LIMIT else None


def group_figure(path: Path, name: str) -> int:
    """What a control group says of itself in a file of names and numbers; 0 where it does not, or is gone."""
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
