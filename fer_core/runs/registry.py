"""Registry of runs: titles, notes and the order of the queue, in SQLite (WAL mode) in the folder of the runs.

Everything else about a run is in its own folder, so a lost registry loses no run.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ..database import connect
from ..errors import TrainingError
from ..hosting import visitors

FILE_NAME = "registry.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    name TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', sweep TEXT
);
CREATE TABLE IF NOT EXISTS queue (position INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class RunNotes:
    """Title and note that a user gave to a run, and the sweep that it belongs to."""

    title: str = ""
    note: str = ""
    sweep: str | None = None


class Registry:
    """Registry of the runs below `parent`. Any number of processes may use it at once.

    Raises:
        TrainingError: From any method: the file is damaged, or cannot be written.
    """

    def __init__(self, parent: Path) -> None:
        self._path = self._queue = parent / FILE_NAME
        self._prefix = ""  # of the names in the queue that belong to these runs
        owner = visitors.owner_of(parent)
        if owner is not None:  # the visitors of a hosted app wait in one queue, and see their own part of it
            everyone, home = owner
            self._queue, self._prefix = everyone.root / FILE_NAME, f"{home.name}/"

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return _opened(self._path)

    # --- titles and notes -----------------------------------------------------------------------------------

    def notes(self) -> dict[str, RunNotes]:
        """Return the notes on runs, by the name of the run's folder."""
        if not self._path.exists():
            return {}
        with self._open() as db:
            return {
                name: RunNotes(*rest)
                for name, *rest in db.execute("SELECT name, title, note, sweep FROM runs")
            }

    def describe(
        self, name: str, *, title: str | None = None, note: str | None = None, sweep: str | None = None
    ) -> None:
        """Set title, note or sweep of a run; None leaves one as it is.

        Raises:
            TrainingError: The run does not exist; only runs of a sweep are described before they are created.
        """
        with self._open() as db:
            # Locked before the check: notes on a run that is deleted meanwhile would stay for the next run of
            # its name.
            db.execute("BEGIN IMMEDIATE")
            if sweep is None and not (self._path.parent / name).is_dir():
                raise TrainingError(f"{name} is no longer there: it was deleted.")
            db.execute("INSERT OR IGNORE INTO runs (name) VALUES (?)", (name,))
            for column, value in (("title", title), ("note", note), ("sweep", sweep)):
                if value is not None:
                    db.execute(f"UPDATE runs SET {column} = ? WHERE name = ?", (value.strip(), name))

    def forget(self, name: str) -> None:
        """Delete the notes and the place in the queue of a deleted run."""
        with self._open() as db:
            db.execute("DELETE FROM runs WHERE name = ?", (name,))
        self.take(name)

    # --- the queue ------------------------------------------------------------------------------------------

    def queue(self) -> list[str]:
        """List the names of the runs and sweeps that wait, the next one first."""
        names = self.shared_queue()
        return [name.removeprefix(self._prefix) for name in names if name.startswith(self._prefix)]

    def shared_queue(self) -> list[str]:
        """List what all visitors of a hosted app wait for, as VISITOR/NAME; in local use the same as
        `queue`."""
        if not self._queue.exists():
            return []
        with _opened(self._queue) as db:
            return [name for (name,) in db.execute("SELECT name FROM queue ORDER BY position")]

    def enqueue(self, name: str) -> None:
        """Add a run at the end; one that waits already keeps its place."""
        with _opened(self._queue) as db:
            db.execute("INSERT OR IGNORE INTO queue (name) VALUES (?)", (self._prefix + name,))

    def take(self, name: str) -> bool:
        """Take a run out of the queue.

        Returns:
            Whether it was in the queue, so that only one of two takers starts it.
        """
        if not self._queue.exists():
            return False
        with _opened(self._queue) as db:
            return db.execute("DELETE FROM queue WHERE name = ?", (self._prefix + name,)).rowcount > 0

    def reorder(self, names: list[str]) -> None:
        """Put the queue in the order of `names`, then the other runs; those of other visitors keep their
        places."""
        with _opened(self._queue) as db:
            db.execute("BEGIN IMMEDIATE")
            everyones = [name for (name,) in db.execute("SELECT name FROM queue ORDER BY position")]
            waiting = [name for name in everyones if name.startswith(self._prefix)]
            first = [self._prefix + name for name in names]
            own = iter([n for n in first if n in waiting] + [n for n in waiting if n not in first])
            order = [next(own) if name.startswith(self._prefix) else name for name in everyones]
            db.execute("DELETE FROM queue")
            db.executemany("INSERT INTO queue (name) VALUES (?)", [(name,) for name in order])

    def parallel(self) -> int:
        """Return how many runs may train at once."""
        if not self._path.exists():
            return 1
        with self._open() as db:
            row = db.execute("SELECT value FROM settings WHERE name = 'parallel'").fetchone()
        return int(row[0]) if row else 1

    def set_parallel(self, count: int) -> None:
        """Set how many runs may train at once."""
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES ('parallel', ?)", (count,))


def _opened(path: Path) -> contextlib.AbstractContextManager[sqlite3.Connection]:
    return connect(path, _SCHEMA, TrainingError, "registry", "move it away; the runs themselves are not lost")
