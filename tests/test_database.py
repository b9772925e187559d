"""SQLite files that several processes and visitors write at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fer_core.data import open_dataset
from fer_core.database import connect
from fer_core.errors import DataError
from fer_core.quality.verdicts import Verdicts
from fer_core.runs.registry import Registry

VISITORS = 4


def _together(work: Callable[[int], object]) -> None:
    """Call `work` with the numbers of all visitors in the same moment."""
    barrier = threading.Barrier(VISITORS)

    def call(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(call, range(VISITORS)))


def test_a_file_can_be_created_by_several_at_once(tmp_path: Path) -> None:
    schema = "CREATE TABLE IF NOT EXISTS visitors (number INTEGER);"
    for path in (tmp_path / str(number) for number in range(60)):

        def write(number: int, path: Path = path) -> None:
            with connect(path, schema, DataError, "file", "move it away") as db:
                db.execute("INSERT INTO visitors VALUES (?)", (number,))

        _together(write)
        with connect(path, schema, DataError, "file", "move it away") as db:
            assert db.execute("SELECT COUNT(*) FROM visitors").fetchone() == (VISITORS,)


def test_each_verdict_is_a_step_of_its_own(tmp_path: Path) -> None:
    verdicts = Verdicts(open_dataset("synthetic:70:0"), tmp_path / "verdicts.sqlite")
    for _ in range(15):
        _together(lambda number: verdicts.give([number], "right"))
    assert [verdicts.undo() for _ in range(15 * VISITORS)] == [1] * (15 * VISITORS)


def test_a_run_that_was_taken_is_not_put_back_by_a_new_order(tmp_path: Path) -> None:
    registry = Registry(tmp_path)

    def visit(number: int) -> None:
        if number:
            registry.reorder([f"run-{number}"])
        else:
            assert registry.take("run-0")

    for _ in range(15):
        for name in range(VISITORS):
            registry.enqueue(f"run-{name}")
        _together(visit)
        assert "run-0" not in registry.queue()
