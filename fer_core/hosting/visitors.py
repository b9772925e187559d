"""Folders of visitors. Each visitor has a private one with all their files:

    RUNS/visitors/hosting.json    settings for all of them, and the data folder of this server
    RUNS/visitors/ID/runs/        training runs, as below RUNS in local use
    RUNS/visitors/ID/data/        uploads, collected faces, cleaned variants
    RUNS/visitors/ID/models/      models saved under a name
    RUNS/visitors/ID/records/     verdicts, tags, and the uses of test splits
    RUNS/visitors/ID/cache/       results computed from them
    RUNS/visitors/ID/seen         touched when the visitor returns

ID is a hash of the secret in the visitor's browser, so a path does not reveal the secret. The location of a
run's folder determines its limits, in every process that trains in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import FerError
from ..process_folder import RUNNING_STATES, ProcessFolder
from ..storage import shared_runs_folder, write_atomically
from .settings import HostingSettings

FOLDER = "visitors"
_FILE = "hosting.json"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[0-9a-f]{32}")
_DEPTH = 6  # levels below the folder of all visitors


@dataclass(frozen=True)
class Visitors:
    """Folder of all visitors, with their settings."""

    root: Path
    settings: HostingSettings
    data_folder: Path  # of this server, readable by all

    def home(self, token: str) -> Path:
        """Return the folder of the visitor with this secret; it may not exist yet."""
        return self.root / hashlib.sha256(token.encode()).hexdigest()[:32]

    def homes(self) -> list[Path]:
        """Return the existing folders."""
        return (
            [path for path in self.root.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
            if self.root.is_dir()
            else []
        )

    def running(self) -> list[ProcessFolder]:
        """Return the active runs and sweeps of all visitors; a sweep and its present run count as one."""
        active = []
        for home in self.homes():
            active += running_of(home)
        return active


def new_token() -> str:
    """Return the secret of a new visitor: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(text: object) -> bool:
    """Return whether a text has the form of `new_token`."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def establish(settings: HostingSettings, data_folder: Path) -> Visitors:
    """Create the folder of all visitors, with the settings for training processes.

    Raises:
        FerError: The folder cannot be written.
    """
    visitors = Visitors(shared_runs_folder() / FOLDER, settings, data_folder.resolve())
    content = (
        json.dumps(
            {"settings": settings.as_json(), "data_folder": str(visitors.data_folder)}, indent=1
        ).encode()
        + b"\n"
    )
    path = visitors.root / _FILE
    try:
        if not path.is_file() or path.read_bytes() != content:
            visitors.root.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
    except OSError as error:
        raise FerError(
            f"The folder for visitors {visitors.root} cannot be written: {error.strerror or error}."
        ) from None
    return visitors


def owner_of(path: Path) -> tuple[Visitors, Path] | None:
    """Return the visitors and the visitor's folder that contains `path`, or None in local use.

    Raises:
        FerError: The settings cannot be read.
    """
    path = path.absolute()
    for home in (path, *path.parents[:_DEPTH]):
        if _ID.fullmatch(home.name) and home.parent.name == FOLDER and (home.parent / _FILE).exists():
            return read(home.parent), home
    return None


def read(root: Path) -> Visitors:
    """Read the folder of all visitors at `root`.

    Raises:
        FerError: `root` is not such a folder.
    """
    try:
        content = json.loads((root / _FILE).read_text(encoding="utf-8"))
        return Visitors(root, HostingSettings(**content["settings"]), Path(content["data_folder"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise FerError(
            f"{root / _FILE} cannot be read: start the hosted app, which writes it again."
        ) from None


def running_of(home: Path) -> list[ProcessFolder]:
    """Return the active runs and sweeps of one visitor."""
    under_way = [run for run in process_folders(home) if run.status()["state"] in RUNNING_STATES]
    sweeps = [f"{run.name}-" for run in under_way if (run.path / "sweep.json").is_file()]
    return [run for run in under_way if not any(run.name.startswith(sweep) for sweep in sweeps)]


def process_folders(home: Path) -> Iterator[ProcessFolder]:
    """Yield all runs and sweeps of a visitor."""
    runs = home / "runs"
    if runs.is_dir():
        for path in sorted(runs.iterdir()):
            if (path / "status.json").is_file():
                yield ProcessFolder(path)


def touch(home: Path) -> None:
    """Record the visit of a visitor; one without files has no folder, and gets none."""
    if home.is_dir():
        try:
            (home / "seen").touch()
        except OSError:  # a full disk; then the folder counts as older than it is
            return


def last_seen(home: Path) -> float:
    """Return the time of the visitor's last visit or file, in s since 1970."""
    times = [0.0]
    for path in (home / "seen", home, home / "runs", home / "data"):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return min(max(times), time.time())


def folder_size(path: Path) -> int:
    """Return the bytes of all files below `path`, ignoring files that disappear meanwhile."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total
