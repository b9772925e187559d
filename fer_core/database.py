"""Small SQLite files that several processes share."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from .errors import FerError

_ADVICE = {  # where it is not the file that is at fault
    "SQLITE_BUSY": "another program holds it, try again",
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_READONLY": "nothing can be written to its folder",
    "SQLITE_CANTOPEN": "nothing can be written to its folder",
    "SQLITE_IOERR": "make room on the disk, or check it",
}


@contextlib.contextmanager
def opened(
    path: Path, schema: str, error: type[FerError], name: str, advice: str
) -> Iterator[sqlite3.Connection]:
    """A connection in WAL mode to the file at `path`, made with `schema` where it is new. What is done in it counts as a whole or not at all.

    What is there already can also be read where nothing can be written.

    Args:
        error: raised where the file is damaged or cannot be written.
        name, advice: of its sentence: "The NAME PATH cannot be used (why): ADVICE."
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            contextlib.closing(_connected(path, schema)) as connection,
            connection,
        ):  # commits, or takes back what an error left half done
            yield connection
    except OSError as reason:
        raise error(f"The {name} {path} cannot be written: {reason.strerror}.") from None
    except sqlite3.Error as reason:
        code = getattr(reason, "sqlite_errorname", "")
        advice = next((other for start, other in _ADVICE.items() if code.startswith(start)), advice)
        raise error(f"The {name} {path} cannot be used ({reason}): {advice}.") from None


def _connected(path: Path, schema: str) -> sqlite3.Connection:
    if path.is_file() and not os.access(
        path.parent, os.W_OK
    ):  # there WAL, which needs a second file, cannot even be read
        return sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection
