"""Small SQLite files that several processes share."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from .errors import FerError


@contextlib.contextmanager
def opened(path: Path, schema: str, error: type[FerError], name: str, advice: str) -> Iterator[sqlite3.Connection]:
    """A connection in WAL mode to the file at `path`, made with `schema` where it is new. What is done in it counts as a whole or not at all.

    Args:
        error: raised where the file is damaged or cannot be written.
        name, advice: of its sentence: "The NAME PATH cannot be used (why): ADVICE."
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(schema)
            with connection:  # commits, or takes back what an error left half done
                yield connection
    except OSError as reason:
        raise error(f"The {name} {path} cannot be written: {reason.strerror}.") from None
    except sqlite3.Error as reason:
        raise error(f"The {name} {path} cannot be used ({reason}): {advice}.") from None
