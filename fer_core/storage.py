"""Where FER Explorer keeps caches and records, and how it writes files that others read."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import platformdirs

_SHARED_CACHES = (
    "data-",
    "speed",
)  # parsed data sets, which are opened by their path, and how fast this machine is


def _nobodys() -> Path | None:
    return None


_home: Callable[[], Path | None] = _nobodys


def keep_apart_by(home: Callable[[], Path | None]) -> None:
    """Let `home` say whose folders the ones below are: those of a visitor of a hosted app, or None for everybody's."""
    global _home
    _home = home


def cache_folder(part: str) -> Path:
    """The folder for `part` of the cache: below FER_EXPLORER_CACHE, else below the user's cache folder. It may not exist yet.

    What was computed for a visitor of a hosted app is kept with the visitor's things.
    """
    if not part.startswith(_SHARED_CACHES) and (home := _home()) is not None:
        return home / "cache" / part
    return Path(os.environ.get("FER_EXPLORER_CACHE") or platformdirs.user_cache_dir("fer-explorer")) / part


def record_folder() -> Path:
    """Where records of use are kept that cannot be computed again: FER_EXPLORER_HOME, else the user's data folder."""
    if (home := _home()) is not None:
        return home / "records"
    return Path(os.environ.get("FER_EXPLORER_HOME") or platformdirs.user_data_dir("fer-explorer"))


def runs_folder() -> Path:
    """Where training runs are kept: FER_RUNS_DIR, else `runs` where the process was started."""
    if (home := _home()) is not None:
        return home / "runs"
    return everybodys_runs()


def everybodys_runs() -> Path:
    """The same, whoever asks: a hosted app keeps its visitors' folders below it."""
    return Path(os.environ.get("FER_RUNS_DIR") or "runs").resolve()


def data_folder() -> Path:
    """The folder whose data sets the app offers: FER_DATA_DIR, else `data` where the process was started."""
    return Path(os.environ.get("FER_DATA_DIR", "data")).resolve()


def own_data_folder() -> Path:
    """Where uploads, collected faces and cleaned variants are kept: a visitor's own folder in a hosted app, else the data folder."""
    home = _home()
    return data_folder() if home is None else home / "data"


def own_models_folder() -> Path | None:
    """Where a visitor of a hosted app keeps models under a name; None where nobody is kept apart."""
    home = _home()
    return None if home is None else home / "models"


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Replace a file so that a reader or a crash sees either the old content or the new, never a part.

    Args:
        durable: also where the power fails, which costs 5 to 60 ms; without it only a killed process is thought of.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:  # on a full disk a half-written file would only make it fuller
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
