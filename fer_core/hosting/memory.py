"""Memory limit and memory use of the app together with its runs."""

from __future__ import annotations

import os
from pathlib import Path

TRAINING_MB = 650  # of a training process, see benchmarks/hosting.py
HELPER_MB = 700  # of a process for Grad-CAM, an export or a measurement
# glibc allocates an arena for each of TensorFlow's many threads; fewer arenas and threads take less memory
# (benchmarks/hosting.py).
SPARING = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}

_V2, _V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory")
_NO_LIMIT = 1 << 60


def limit(megabytes: int = 0) -> int:
    """Return the bytes that the app and its runs may use: the setting, else the container's or machine's."""
    import psutil

    machine = psutil.virtual_memory().total
    if megabytes:
        return min(machine, megabytes * 1_000_000)
    return min(
        [
            machine,
            *(
                figure
                for figure in (_number(_V2 / "memory.max"), _number(_V1 / "memory.limit_in_bytes"))
                if figure
            ),
        ]
    )


def used(megabytes: int = 0) -> int:
    """Return the bytes in use, without files that the system only caches.

    Args:
        megabytes: The limit, if set: then the memory of the processes is added up, since the system has no
            limit.
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
        system_memory = psutil.virtual_memory()
        return system_memory.total - system_memory.available
    return process_tree_bytes(os.getpid())


def free(megabytes: int = 0) -> int:
    """Return the bytes left."""
    import psutil

    return max(0, min(limit(megabytes) - used(megabytes), psutil.virtual_memory().available))


def process_tree_bytes(pid: int) -> int:
    """Return the bytes of a process and its children.

    Shared pages are counted once (PSS), or the RSS is used if PSS is unavailable.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(process_bytes(member.pid) for member in family)


def process_bytes(pid: int) -> int:
    """Return the same for one process alone; 0 if it has ended."""
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
    """Return the number in a system file, or None if there is no file or no limit."""
    try:
        value = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or "max"
        return None
    return value if 0 < value < _NO_LIMIT else None


def group_figure(path: Path, name: str) -> int:
    """Return a value from a control group's file of names and numbers; 0 if it is missing."""
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
