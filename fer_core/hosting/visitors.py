"""The folders of visitors. Each has one that nobody else sees, with everything of theirs in it:

RUNS/visitors/hosting.json    what holds for all of them: the settings, and where the data of this server are
RUNS/visitors/ID/runs/        training runs, as below RUNS in local use
RUNS/visitors/ID/data/        uploads, collected faces, cleaned variants
RUNS/visitors/ID/models/      models that were kept under a name
RUNS/visitors/ID/records/     verdicts, and the looks at test splits
RUNS/visitors/ID/cache/       what was computed about them
RUNS/visitors/ID/seen         touched when the visitor comes back

ID is a hash of the secret that the visitor's browser keeps, so that whoever sees a path cannot come as that visitor. Where a run's folder
stands says what it may use: that holds for whatever process trains in it.
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
from ..storage import everybodys_runs, write_atomically
from .settings import HostingSettings

FOLDER = "visitors"
_FILE = "hosting.json"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[0-9a-f]{32}")
_DEPTH = 6  # of what lies below the folder of all visitors


@dataclass(frozen=True)
class Visitors:
    """The folder of all visitors with what holds for them."""

    root: Path
    settings: HostingSettings
    data_folder: Path  # of this server, for all to read

    def home(self, token: str) -> Path:
        """The folder of the visitor with this secret; it may not exist yet."""
        return self.root / hashlib.sha256(token.encode()).hexdigest()[:32]

    def homes(self) -> list[Path]:
        """Those that exist."""
        return (
            [path for path in self.root.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
            if self.root.is_dir()
            else []
        )

    def running(self) -> list[ProcessFolder]:
        """The runs and sweeps of all visitors that are under way; a sweep and the run it makes count as one."""
        found = []
        for home in self.homes():
            found += running_of(home)
        return found


def new_token() -> str:
    """The secret of a new visitor: 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(text: object) -> bool:
    """Whether a browser can have got this from `new_token`."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def establish(settings: HostingSettings, data_folder: Path) -> Visitors:
    """The folder of all visitors, with the settings written into it, where training processes find them.

    Raises:
        FerError: it cannot be written.
    """
    visitors = Visitors(everybodys_runs() / FOLDER, settings, data_folder.resolve())
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


def of(path: Path) -> tuple[Visitors, Path] | None:
    """Whose folder `path` lies in, with what holds there; None in local use.

    Raises:
        FerError: what holds there cannot be read.
    """
    path = path.absolute()
    for home in (path, *path.parents[:_DEPTH]):
        if _ID.fullmatch(home.name) and home.parent.name == FOLDER and (home.parent / _FILE).exists():
            return read(home.parent), home
    return None


def read(root: Path) -> Visitors:
    """The folder of all visitors at `root`.

    Raises:
        FerError: it is none.
    """
    try:
        found = json.loads((root / _FILE).read_text(encoding="utf-8"))
        return Visitors(root, HostingSettings(**found["settings"]), Path(found["data_folder"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise FerError(
            f"{root / _FILE} cannot be read: start the hosted app, which writes it anew."
        ) from None


def running_of(home: Path) -> list[ProcessFolder]:
    """The runs and sweeps of one visitor that are under way."""
    under_way = [run for run in process_folders(home) if run.status()["state"] in RUNNING_STATES]
    sweeps = [f"{run.name}-" for run in under_way if (run.path / "sweep.json").is_file()]
    return [run for run in under_way if not any(run.name.startswith(sweep) for sweep in sweeps)]


def process_folders(home: Path) -> Iterator[ProcessFolder]:
    """All runs and sweeps of a visitor."""
    runs = home / "runs"
    if runs.is_dir():
        for path in sorted(runs.iterdir()):
            if (path / "status.json").is_file():
                yield ProcessFolder(path)


def touch(home: Path) -> None:
    """Note that the visitor is here. One who has left nothing has no folder, and gets none."""
    if home.is_dir():
        try:
            (home / "seen").touch()
        except OSError:  # a full disk; then the folder counts as older than it is
            return


def last_seen(home: Path) -> float:
    """When the visitor came last or something was written, in s since 1970."""
    times = [0.0]
    for path in (home / "seen", home, home / "runs", home / "data"):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return min(max(times), time.time())


def size(path: Path) -> int:
    """Bytes of all files below `path`. What vanishes meanwhile does not count."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return total
