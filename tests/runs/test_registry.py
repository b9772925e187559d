"""Titles, notes and the queue, as several processes use them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fer_core.errors import TrainingError
from fer_core.runs.registry import FILE_NAME, Registry, RunNotes


def test_a_description_is_changed_in_parts_and_forgotten_whole(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert registry.notes() == {} and not (tmp_path / FILE_NAME).exists()  # to look writes nothing
    registry.describe("a", title=" First ", sweep="s")  # a sweep's runs are known before they are made
    for name in "ab":
        (tmp_path / name).mkdir()
    registry.describe("a", note="good")
    registry.describe("b", note="other")
    assert Registry(tmp_path).notes() == {
        "a": RunNotes("First", "good", "s"),
        "b": RunNotes("", "other", None),
    }
    registry.enqueue("a")
    registry.forget("a")
    assert registry.notes() == {"b": RunNotes("", "other", None)} and registry.queue() == []


def test_what_is_said_of_a_deleted_run_is_not_told_of_the_next_of_its_name(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    (tmp_path / "a").mkdir()
    registry.describe("a", note="good")
    (tmp_path / "a").rmdir()
    registry.forget("a")
    with pytest.raises(TrainingError, match=r"^a is no longer there: it was deleted\.$"):
        registry.describe("a", note="of another app, a moment later")
    assert registry.notes() == {}


def test_the_queue_keeps_its_order_and_each_is_taken_once(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for name in ("a", "b", "c", "b"):
        registry.enqueue(name)
    assert registry.queue() == ["a", "b", "c"]
    registry.reorder(["c", "gone"])
    assert registry.queue() == ["c", "a", "b"]
    assert registry.take("a") and not registry.take("a")
    registry.enqueue("a")
    assert Registry(tmp_path).queue() == ["c", "b", "a"]


def test_it_is_in_wal_mode_and_several_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fer_core.runs.registry import Registry\n"
        "for i in range(40): Registry(Path(sys.argv[1])).enqueue(f'{sys.argv[2]}-{i}')"
    )
    root = Path(__file__).resolve().parent.parent.parent
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=root) for name in "abc"
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    waiting = Registry(tmp_path).queue()
    assert len(waiting) == 120
    for name in "abc":
        assert [w for w in waiting if w.startswith(name)] == [f"{name}-{i}" for i in range(40)]
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_damaged_registry_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    for ask in (Registry(tmp_path).notes, Registry(tmp_path).queue, lambda: Registry(tmp_path).enqueue("a")):
        with pytest.raises(TrainingError, match="move it away; the runs themselves are not lost"):
            ask()


def test_how_many_run_at_once_is_remembered(tmp_path: Path) -> None:
    assert Registry(tmp_path).parallel() == 1
    Registry(tmp_path).set_parallel(3)
    assert Registry(tmp_path).parallel() == 3
