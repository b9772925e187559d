"""Where FER Explorer keeps caches and records, and how it writes files that others read."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import platformdirs


def cache_folder(part: str) -> Path:
    """The folder for `part` of the cache: below FER_EXPLORER_CACHE, else below the user's cache folder. It may not exist yet."""
    return Path(os.environ.get("FER_EXPLORER_CACHE") or platformdirs.user_cache_dir("fer-explorer")) / part


def record_folder() -> Path:
    """Where records of use are kept that cannot be computed again: FER_EXPLORER_HOME, else the user's data folder."""
    return Path(os.environ.get("FER_EXPLORER_HOME") or platformdirs.user_data_dir("fer-explorer"))


def runs_folder() -> Path:
    """Where training runs are kept: FER_RUNS_DIR, else `runs` where the process was started."""
    return Path(os.environ.get("FER_RUNS_DIR") or "runs").resolve()


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a reader or a crash sees either the old content or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:  # on a full disk a half-written file would only make it fuller
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
