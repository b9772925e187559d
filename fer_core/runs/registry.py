"""What is known of runs beside what their folders say: titles, notes, the order of the queue. SQLite in WAL mode in the folder of the runs.

Everything else about a run stands in its own folder, so a lost registry loses no run.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ..database import opened
from ..errors import TrainingError
from ..hosting import visitors

FILE_NAME = "registry.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (name TEXT PRIMARY KEY, title TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', sweep TEXT);
CREATE TABLE IF NOT EXISTS queue (position INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class About:
    """What a user wrote about a run, and the sweep that it belongs to."""

    title: str = ""
    note: str = ""
    sweep: str | None = None


class Registry:
    """The registry of the runs below `parent`. Any number of processes may use it at once.

    Raises:
        TrainingError: from any method: the file is damaged, or cannot be written.
    """

    def __init__(self, parent: Path) -> None:
        self._path = self._queue = parent / FILE_NAME
        self._mine = ""  # what the names of the queue begin with here
        if (
            found := visitors.of(parent)
        ) is not None:  # the visitors of a hosted app wait in one queue, and see their own part of it
            everybody, home = found
            self._queue, self._mine = everybody.root / FILE_NAME, f"{home.name}/"

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return _opened(self._path)

    # --- titles and notes --------------------------------------------------------------------------------------------

    def about(self) -> dict[str, About]:
        """What is known, by the name of the run's folder."""
        if not self._path.exists():
            return {}
        with self._open() as db:
            return {
                name: About(*rest) for name, *rest in db.execute("SELECT name, title, note, sweep FROM runs")
            }

    def describe(
        self, name: str, *, title: str | None = None, note: str | None = None, sweep: str | None = None
    ) -> None:
        """Set what is given; None leaves it as it is."""
        with self._open() as db:
            db.execute("INSERT OR IGNORE INTO runs (name) VALUES (?)", (name,))
            for column, value in (("title", title), ("note", note), ("sweep", sweep)):
                if value is not None:
                    db.execute(f"UPDATE runs SET {column} = ? WHERE name = ?", (value.strip(), name))

    def forget(self, name: str) -> None:
        """Of a run that was deleted."""
        with self._open() as db:
            db.execute("DELETE FROM runs WHERE name = ?", (name,))
        self.take(name)

    # --- the queue ---------------------------------------------------------------------------------------------------

    def queue(self) -> list[str]:
        """Names of the runs and sweeps that wait, the next one first."""
        return [
            name.removeprefix(self._mine) for name in self.everybodys_queue() if name.startswith(self._mine)
        ]

    def everybodys_queue(self) -> list[str]:
        """The same with what others wait for in a hosted app, as VISITOR/NAME."""
        if not self._queue.exists():
            return []
        with _opened(self._queue) as db:
            return [name for (name,) in db.execute("SELECT name FROM queue ORDER BY position")]

    def enqueue(self, name: str) -> None:
        """At the end; one that waits already keeps its place."""
        with _opened(self._queue) as db:
            db.execute("INSERT OR IGNORE INTO queue (name) VALUES (?)", (self._mine + name,))

    def take(self, name: str) -> bool:
        """Take it out of the queue: whether it was in it, so that only one of two takers starts it."""
        if not self._queue.exists():
            return False
        with _opened(self._queue) as db:
            return db.execute("DELETE FROM queue WHERE name = ?", (self._mine + name,)).rowcount > 0

    def reorder(self, names: list[str]) -> None:
        """Put the queue in the order of `names`; what is not named keeps its order behind them. Others keep their places."""
        with _opened(self._queue) as db:
            everybody = [name for (name,) in db.execute("SELECT name FROM queue ORDER BY position")]
            waiting = [name for name in everybody if name.startswith(self._mine)]
            wanted = [self._mine + name for name in names]
            mine = iter([n for n in wanted if n in waiting] + [n for n in waiting if n not in wanted])
            order = [next(mine) if name.startswith(self._mine) else name for name in everybody]
            db.execute("DELETE FROM queue")
            db.executemany("INSERT INTO queue (name) VALUES (?)", [(name,) for name in order])

    def parallel(self) -> int:
        """How many runs may train at once."""
        if not self._path.exists():
            return 1
        with self._open() as db:
            row = db.execute("SELECT value FROM settings WHERE name = 'parallel'").fetchone()
        return int(row[0]) if row else 1

    def set_parallel(self, count: int) -> None:
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES ('parallel', ?)", (count,))


def _opened(path: Path) -> contextlib.AbstractContextManager[sqlite3.Connection]:
    return opened(path, _SCHEMA, TrainingError, "registry", "move it away; the runs themselves are not lost")
