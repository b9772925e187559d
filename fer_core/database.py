"""Small SQLite files that several processes share."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import FerError

_PATIENCE = 10.0  # s to wait for other processes
_ADVICE = {  # for errors that are not caused by the file
    "SQLITE_BUSY": "another program is using it, try again",
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_READONLY": "nothing can be written to its folder",
    "SQLITE_CANTOPEN": "nothing can be written to its folder",
    "SQLITE_IOERR": "make room on the disk, or check it",
}


@contextlib.contextmanager
def connect(
    path: Path, schema: str, error: type[FerError], name: str, advice: str
) -> Iterator[sqlite3.Connection]:
    """Open a connection in WAL mode to the file at `path`, created with `schema`, as one transaction.

    An existing file can also be read if nothing can be written. What writes by what it has read begins with
    `BEGIN IMMEDIATE`, so that no other process writes in between.

    Args:
        error: Type of the error if the file is damaged or cannot be written.
        name: Name of the file in the message "The NAME PATH cannot be used (reason): ADVICE."
        advice: What to do if the file is damaged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The connection commits, or rolls back after an error.
        with (
            contextlib.closing(_connected(path, schema)) as connection,
            connection,
        ):
            yield connection
    except OSError as reason:
        raise error(f"The {name} {path} cannot be written: {reason.strerror}.") from None
    except sqlite3.Error as reason:
        code = getattr(reason, "sqlite_errorname", "")
        advice = next((other for start, other in _ADVICE.items() if code.startswith(start)), advice)
        raise error(f"The {name} {path} cannot be used ({reason}): {advice}.") from None


def _connected(path: Path, schema: str) -> sqlite3.Connection:
    # WAL needs a second file, so without write access it cannot even be read.
    if path.is_file() and not os.access(path.parent, os.W_OK):
        return sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    connection = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        _prepare(connection, schema)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, schema: str) -> None:
    """Set WAL mode and create the tables that are missing."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(schema)
            return
        except sqlite3.OperationalError as reason:
            # SQLite itself doesn't wait for another process that creates the file at the same time.
            if not reason.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > end:
                raise
            time.sleep(0.01)
