"""Diagnostics of a running FER Explorer: versions, memory, runs and disk, also as text for an issue.

The report consists only of numbers, versions and words of this file, so it cannot contain the name of a user,
file, folder or machine.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..hosting import memory
from ..hosting.settings import HostingSettings
from ..keras_import import keras_backend
from ..machine import available_cores
from ..process_folder import RUNNING_STATES, ProcessFolder
from ..wording import plural

# Looked up in the metadata of installed packages, without importing them.
PACKAGES = (
    "streamlit",
    "tensorflow-cpu",
    "tensorflow",
    "keras",
    "ai-edge-litert",
    "opencv-python-headless",
    "numpy",
    "pandas",
    "pyarrow",
    "plotly",
    "pillow",
    "scikit-learn",
    "av",
    "streamlit-webrtc",
    "optuna",
    "jax",
    "torch",
)
BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")
_WORKERS = {
    "train": "training",
    "sweep": "sweep",
    "queue": "queue",
    "speed": "measurement",
    "export": "export",
    "grad_cam_worker": "Grad-CAM",
}
_STATES = (
    "queued",
    "starting",
    "running",
    "paused",
    "finished",
    "stopped",
    "pruned",
    "failed",
    "interrupted",
)
_VERSION = re.compile(r"\d+(?:\.\d+)*(?:(?:a|b|rc|\.post|\.dev)\d+)?")


@dataclass(frozen=True)
class Diagnostics:
    """Present state. Packages that are not installed are left out."""

    versions: dict[str, str]
    system: str
    cores: int
    gpu: bool
    backend: str
    memory_limit: int
    memory_used: int
    memory_app: int
    memory_workers: tuple[tuple[str, int], ...]  # kind and bytes of each process beside the app
    runs: dict[str, int]  # number of runs by state
    disk_free: int
    hosted: HostingSettings | None
    visitors: int | None  # number of visitors' folders; None if not hosted

    @property
    def under_way(self) -> int:
        return sum(self.runs.get(state, 0) for state in RUNNING_STATES)

    @property
    def waiting(self) -> int:
        return self.runs.get("queued", 0)


def diagnose(
    runs: list[Path], hosted: HostingSettings | None = None, visitors: int | None = None
) -> Diagnostics:
    """Collect the diagnostics.

    Args:
        runs: Folders that contain runs.
        hosted: Settings of a hosted app.
        visitors: Number of visitors' folders.
    """
    set_limit = hosted.memory_mb if hosted else 0
    memory_app = memory.process_bytes(os.getpid())
    backend = keras_backend()
    return Diagnostics(
        versions=versions(),
        system=system(),
        cores=available_cores(),
        gpu=Path("/dev/nvidia0").exists(),
        backend=backend if backend in BACKENDS else "another",
        memory_limit=memory.limit(set_limit),
        # The total is measured after its part, which may have become smaller since.
        memory_used=max(memory_app, memory.used(set_limit)),
        memory_app=memory_app,
        memory_workers=tuple(_workers(runs)),
        runs=_by_state(runs),
        disk_free=_free(runs[0] if runs else Path()),
        hosted=hosted,
        visitors=visitors,
    )


def versions() -> dict[str, str]:
    """Return the versions of FER Explorer, Python and the relevant packages."""
    versions_found = {"fer_core": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions_found[name] = _plain(metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return versions_found


def system() -> str:
    """Return the system and the processor type: "Linux 6.1 x86_64"."""
    release = re.match(r"\d+(?:\.\d+)*", platform.release())  # the rest could contain any text
    return " ".join(filter(None, (platform.system(), release[0] if release else "", platform.machine())))


def as_text(diagnostics: Diagnostics) -> str:
    """Format the diagnostics for an issue."""
    gigabyte = 1e9
    lines = [
        f"FER Explorer {diagnostics.versions['fer_core']}, Python {diagnostics.versions['python']}, "
        f"{diagnostics.system}",
        f"cores {diagnostics.cores}, GPU {'yes' if diagnostics.gpu else 'no'}, Keras backend "
        f"{diagnostics.backend}",
        f"memory: {diagnostics.memory_used / gigabyte:.2f} of {diagnostics.memory_limit / gigabyte:.2f} GB "
        "used, app "
        f"{diagnostics.memory_app / 1e6:.0f} MB"
        + "".join(f", {kind} {size / 1e6:.0f} MB" for kind, size in diagnostics.memory_workers),
        f"runs: {diagnostics.under_way} under way, {diagnostics.waiting} waiting; "
        + (", ".join(f"{count} {state}" for state, count in diagnostics.runs.items()) or "none"),
        f"disk: {diagnostics.disk_free / gigabyte:.1f} GB free",
        "hosted: no"
        if diagnostics.hosted is None
        else f"hosted: {plural(diagnostics.visitors or 0, 'visitor')} with a folder; "
        + ", ".join(f"{name} {value}" for name, value in diagnostics.hosted.as_json().items()),
        "packages: "
        + ", ".join(
            f"{name} {version}"
            for name, version in diagnostics.versions.items()
            if name not in ("fer_core", "python")
        ),
        time.strftime("made %Y-%m-%d %H:%M UTC", time.gmtime()),
    ]
    return "\n".join(lines)


def _plain(version: str) -> str:
    """Return a version without its local part, which could contain any text."""
    match = _VERSION.match(version)
    return match[0] if match else "unknown"


def _workers(runs: list[Path]) -> list[tuple[str, int]]:
    """Return this app's processes: those it started, and those that work on its runs.

    A run outlives the app that started it; processes of another app or of a shell do not count.
    """
    import psutil

    workers = []
    me = psutil.Process()
    started = {process.pid for process in me.children(recursive=True)}
    folders = [str(folder.resolve()) for folder in runs]
    for process in psutil.process_iter():
        try:
            if process.pid == me.pid or process.uids().real != me.uids().real:
                continue
            command = process.cmdline()
            if "-m" not in command[:3] or not any(word.startswith("fer_core") for word in command[:4]):
                continue
            on_a_run = any(Path(word).is_relative_to(folder) for word in command[4:] for folder in folders)
            if process.pid not in started and not on_a_run:
                continue
            kind = next(
                (
                    name
                    for sign, name in _WORKERS.items()
                    if any(word == sign or word.endswith(f".{sign}") for word in command[:5])
                ),
                "other",
            )
            workers.append((kind, memory.process_bytes(process.pid)))
        except (psutil.Error, OSError, AttributeError):  # ended meanwhile, or not supported by the system
            continue
    return sorted(workers)


def _by_state(parents: list[Path]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for parent in parents:
        try:
            paths = [path for path in parent.iterdir() if (path / "status.json").is_file()]
        except OSError:
            continue
        for path in paths:
            state = str(ProcessFolder(path).status()["state"])
            counts[state if state in _STATES else "unknown"] += 1
    return {state: counts[state] for state in (*_STATES, "unknown") if counts[state]}


def _free(path: Path) -> int:
    """Return the free bytes on the disk of `path`, which need not exist."""
    for place in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return 0
