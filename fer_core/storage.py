"""Locations of caches and records, atomic writing of files, and reading of arrays that may be damaged."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    import numpy as np

# Parsed data sets, which are opened by their path, and the measured speed of this machine.
_SHARED_CACHES = (
    "data-",
    "speed",
)


def _no_visitor() -> Path | None:
    return None


_home: Callable[[], Path | None] = _no_visitor

_ARRAY_BYTES = 2_000_000_000  # of all arrays in an npz file

# Answers of file systems without hard links.
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES)


def set_visitor_folder(home: Callable[[], Path | None]) -> None:
    """Set the function that returns the folder of the present visitor, or None for the shared folders."""
    global _home
    _home = home


def cache_folder(part: str) -> Path:
    """Return the folder for `part` of the cache, below FER_EXPLORER_CACHE or the user's cache folder.

    It may not exist yet.

    Results of a visitor of a hosted app are stored in the visitor's folder. One who has not kept anything yet
    has none, and sees shared data alone, whose results may be shared too.
    """
    if not part.startswith(_SHARED_CACHES) and (home := _home()) is not None:
        return home / "cache" / part if home.is_dir() else guests_cache() / part
    return _cache() / part


def guests_cache() -> Path:
    """Return the folder of results for visitors of a hosted app who have kept nothing."""
    return _cache() / "guests"


def _cache() -> Path:
    return Path(os.environ.get("FER_EXPLORER_CACHE") or platformdirs.user_cache_dir("fer-explorer"))


def cache_folder_of(path: Path, part: str) -> Path:
    """Return the folder for `part` of the cache of a file: a visitor's own where the file is the visitor's.

    It counts towards the visitor's space then, and is deleted with it.
    """
    for home in path.parents:
        if home.parent.name == "visitors" and (home.parent / "hosting.json").is_file():
            return home / "cache" / part
    return cache_folder(part)


def record_folder() -> Path:
    """Return the folder of records that cannot be recomputed: FER_EXPLORER_HOME or the user's data folder."""
    if (home := _home()) is not None:
        return home / "records"
    return Path(os.environ.get("FER_EXPLORER_HOME") or platformdirs.user_data_dir("fer-explorer"))


def runs_folder() -> Path:
    """Return the folder of training runs: FER_RUNS_DIR, else `runs` in the working folder of the process."""
    if (home := _home()) is not None:
        return home / "runs"
    return shared_runs_folder()


def shared_runs_folder() -> Path:
    """Return the shared folder of training runs, which contains the visitors' folders of a hosted app."""
    return Path(os.environ.get("FER_RUNS_DIR") or "runs").resolve()


def data_folder() -> Path:
    """Return the folder of the data sets that the app offers: FER_DATA_DIR, else `data`."""
    return Path(os.environ.get("FER_DATA_DIR", "data")).resolve()


def own_data_folder() -> Path:
    """Return the folder of uploads, collected faces and cleaned variants.

    This is the visitor's in a hosted app, else the data folder.
    """
    home = _home()
    return data_folder() if home is None else home / "data"


def own_models_folder() -> Path | None:
    """Return the folder of a hosted visitor's named models, or None in local use."""
    home = _home()
    return None if home is None else home / "models"


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Replace a file so that a reader or a crash sees either the old content or the new, never a part.

    Args:
        durable: Survive a power failure too, which costs 5 to 60 ms; otherwise only a killed process.
    """
    with _written_beside(path, content, durable) as temporary:
        os.replace(temporary, path)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist, as `write_atomically` does; of two processes one can.

    Raises:
        FileExistsError: It exists.
    """
    with _written_beside(path, content, durable=True) as temporary:
        try:
            os.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with open(path, "xb") as file:
                file.write(content)


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes, durable: bool) -> Iterator[Path]:
    """Write a temporary file in the folder of `path`, which is there only in this context."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        yield temporary
    finally:  # on a full disk a half-written file would waste space
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """Return the arrays in an npz file, or None if it is missing, damaged, far too large or contains Python
    objects.

    Nothing is unpickled.
    """
    import numpy as np  # imported here: the first title does not need it

    try:
        if not path.is_file():
            return None  # a device or a pipe has no end
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _ARRAY_BYTES:
                return None
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)  # type: ignore[arg-type]
    except Exception:  # damaged zips, headers and compressed data raise many kinds of errors
        return None
    return arrays if all(isinstance(array, np.ndarray) for array in arrays.values()) else None
