"""How a running FER Explorer is: versions, memory, runs, disk. For a page, and as text for an issue.

It is put together from numbers, versions and words of this file alone, so no name of a user, a file, a folder or a machine can be in it.
"""

from __future__ import annotations

import json
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
from ..cores import available_cores
from ..hosting import memory
from ..hosting.settings import HostingSettings
from ..process_folder import RUNNING_STATES, ProcessFolder

# Looked up in what pip knows of them, so that none is imported.
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
    """Bytes are of this moment; packages that are not installed are left out."""

    versions: dict[str, str]
    system: str
    cores: int
    gpu: bool
    backend: str
    memory_limit: int
    memory_used: int
    memory_app: int
    memory_workers: tuple[tuple[str, int], ...]  # kind and bytes of each process beside the app
    runs: dict[str, int]  # how many by state
    disk_free: int
    hosted: HostingSettings | None
    visitors: int | None  # folders of visitors; None where it is not hosted

    @property
    def under_way(self) -> int:
        return sum(self.runs.get(state, 0) for state in RUNNING_STATES)

    @property
    def waiting(self) -> int:
        return self.runs.get("queued", 0)


def diagnose(
    runs: list[Path], hosted: HostingSettings | None = None, visitors: int | None = None
) -> Diagnostics:
    """How it is now.

    Args:
        runs: the folders that runs stand in.
        hosted: the settings where the app is hosted.
        visitors: how many have a folder.
    """
    set_limit = hosted.memory_mb if hosted else 0
    return Diagnostics(
        versions=versions(),
        system=system(),
        cores=available_cores(),
        gpu=Path("/dev/nvidia0").exists(),
        backend=backend(),
        memory_limit=memory.limit(set_limit),
        memory_used=memory.used(set_limit),
        memory_app=memory.of_one(os.getpid()),
        memory_workers=tuple(_workers()),
        runs=_by_state(runs),
        disk_free=_free(runs[0] if runs else Path()),
        hosted=hosted,
        visitors=visitors,
    )


def versions() -> dict[str, str]:
    """Of FER Explorer, Python and the packages that matter."""
    found = {"fer_core": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = _plain(metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return found


def system() -> str:
    """The system and the processor's kind: "Linux 6.1 x86_64"."""
    release = re.match(r"\d+(?:\.\d+)*", platform.release())  # what follows may be anybody's word
    return " ".join(filter(None, (platform.system(), release[0] if release else "", platform.machine())))


def backend() -> str:
    """What Keras computes with, without importing it: KERAS_BACKEND, else its settings file, else TensorFlow."""
    asked = os.environ.get("KERAS_BACKEND")
    if not asked:
        try:
            base = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
            asked = json.loads((Path(base) / "keras.json").read_text(encoding="utf-8")).get("backend")
        except (OSError, ValueError, AttributeError, RuntimeError):
            asked = None
    return asked if asked in BACKENDS else "tensorflow" if not asked else "another"


def as_text(found: Diagnostics) -> str:
    """For an issue."""
    gigabyte = 1e9
    lines = [
        f"FER Explorer {found.versions['fer_core']}, Python {found.versions['python']}, {found.system}",
        f"cores {found.cores}, GPU {'yes' if found.gpu else 'no'}, Keras backend {found.backend}",
        f"memory: {found.memory_used / gigabyte:.2f} of {found.memory_limit / gigabyte:.2f} GB used, app {found.memory_app / 1e6:.0f} MB"
        + "".join(f", {kind} {size / 1e6:.0f} MB" for kind, size in found.memory_workers),
        f"runs: {found.under_way} under way, {found.waiting} waiting; "
        + (", ".join(f"{count} {state}" for state, count in found.runs.items()) or "none"),
        f"disk: {found.disk_free / gigabyte:.1f} GB free",
        "hosted: no"
        if found.hosted is None
        else f"hosted: {found.visitors or 0} visitors with a folder; "
        + ", ".join(f"{name} {value}" for name, value in found.hosted.as_json().items()),
        "packages: "
        + ", ".join(
            f"{name} {version}"
            for name, version in found.versions.items()
            if name not in ("fer_core", "python")
        ),
        time.strftime("made %Y-%m-%d %H:%M UTC", time.gmtime()),
    ]
    return "\n".join(lines)


def _plain(version: str) -> str:
    """A version without the local part, which is whatever its builder liked."""
    found = _VERSION.match(version)
    return found[0] if found else "unknown"


def _workers() -> list[tuple[str, int]]:
    """FER Explorer's processes of this user beside the app."""
    import psutil

    found = []
    me = psutil.Process()
    for process in psutil.process_iter():
        try:
            if process.pid == me.pid or process.uids().real != me.uids().real:
                continue
            words = process.cmdline()
            if "-m" not in words[:3] or not any(word.startswith("fer_core") for word in words[:4]):
                continue
            kind = next(
                (
                    name
                    for sign, name in _WORKERS.items()
                    if any(word == sign or word.endswith(f".{sign}") for word in words[:5])
                ),
                "other",
            )
            found.append((kind, memory.of_one(process.pid)))
        except (psutil.Error, OSError, AttributeError):  # ended meanwhile, or a system without these
            continue
    return sorted(found)


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
    """Bytes free where `path` is or will be."""
    for place in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return 0
