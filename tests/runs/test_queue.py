"""One run at a time, in the order of the queue, for all who start runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from fer_core.config import RunConfig
from fer_core.errors import TrainingError
from fer_core.process_folder import ProcessFolder
from fer_core.runs import processes, queue
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder
from tests.until import until


class Trainings:
    """Stands in for training processes: each holds its lock as one does, until it is told to end."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self._locks: dict[str, FileLock] = {}

    def resume(self, run: ProcessFolder, finish: bool = False) -> None:
        if run.name == "broken":
            raise TrainingError("The training process could not be started: no memory.")
        self._locks[run.name] = FileLock(run.path / "lock", thread_local=False)
        self._locks[run.name].acquire(timeout=1)
        run.write_status("running")
        self.started.append(run.name)

    def end(self, run: ProcessFolder) -> None:
        run.write_status("finished")
        self._locks.pop(run.name).release()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainings]:
    made = Trainings()
    monkeypatch.setattr(processes, "resume", made.resume)
    monkeypatch.setattr(queue, "ensure_worker", lambda parent: None)
    monkeypatch.setattr(queue, "_POLL_SECONDS", 0.02)
    yield made


def new(parent: Path, name: str) -> RunFolder:
    run = RunFolder(parent / name)
    run.create(RunConfig(preset="quick"))
    return run


def test_the_first_starts_at_once_and_the_others_wait_in_order(trainings: Trainings, tmp_path: Path) -> None:
    a = new(tmp_path, "a")
    assert queue.submit(a) is True
    b = new(tmp_path, "b")
    assert queue.submit(b) is False
    c = new(tmp_path, "c")
    assert queue.submit(c) is False
    assert [run.status()["state"] for run in (a, b, c)] == ["running", "queued", "queued"]
    worker = threading.Thread(target=queue.work, args=(tmp_path,), daemon=True)
    worker.start()
    until(lambda: queue.worker_alive(tmp_path))
    assert trainings.started == ["a"]
    Registry(tmp_path).reorder(["c", "b"])
    trainings.end(a)
    until(lambda: trainings.started == ["a", "c"])
    assert b.status()["state"] == "queued"
    trainings.end(c)
    until(lambda: trainings.started == ["a", "c", "b"])
    worker.join(timeout=10)
    assert not worker.is_alive() and not queue.worker_alive(tmp_path), "it waits for nothing any more"
    trainings.end(b)


def test_an_order_that_is_changed_at_the_last_moment_holds(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "bc":
        queue.enqueue(new(tmp_path, name))

    def the_last_one_ends(parent: Path) -> list[str]:
        if not trainings.started:
            Registry(parent).reorder(["c", "b"])
        return []

    monkeypatch.setattr(queue, "under_way", the_last_one_ends)
    queue.work(tmp_path)
    assert trainings.started == ["c", "b"]
    for name in "bc":
        trainings.end(RunFolder(tmp_path / name))


def test_a_run_from_the_shell_is_waited_for_too(trainings: Trainings, tmp_path: Path) -> None:
    shell = new(tmp_path, "shell")
    trainings.resume(shell)
    assert queue.submit(new(tmp_path, "mine")) is False
    trainings.end(shell)
    queue.work(tmp_path)
    assert trainings.started == ["shell", "mine"]
    trainings.end(RunFolder(tmp_path / "mine"))


def test_more_may_run_at_once(trainings: Trainings, tmp_path: Path) -> None:
    Registry(tmp_path).set_parallel(2)
    assert [queue.submit(new(tmp_path, name)) for name in "abc"] == [True, True, False]
    for name in "ab":
        trainings.end(RunFolder(tmp_path / name))


def test_what_was_deleted_taken_out_or_cannot_start_holds_nobody_up(
    trainings: Trainings, tmp_path: Path
) -> None:
    for name in ("gone", "out", "broken", "last"):
        queue.enqueue(new(tmp_path, name))
    (tmp_path / "gone" / "config.json").unlink()
    queue.leave_queue(RunFolder(tmp_path / "out"))
    queue.work(tmp_path)
    assert trainings.started == ["last"]
    assert RunFolder(tmp_path / "out").status()["state"] == "stopped"
    broken = RunFolder(tmp_path / "broken").status()
    assert broken["state"] == "failed" and "no memory" in broken["message"]
    trainings.end(RunFolder(tmp_path / "last"))


def test_only_one_process_works_on_a_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ensure_worker", lambda parent: None)
    queue.enqueue(new(tmp_path, "a"))
    with FileLock(tmp_path / "queue.lock"):
        assert queue.worker_alive(tmp_path)
    assert not queue.worker_alive(tmp_path)


def test_a_run_that_was_started_just_now_or_was_deleted_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two apps on one folder the second may act on what it saw before."""
    started: list[list[str]] = []

    def start(arguments: list[str], *_: object, **__: object) -> subprocess.Popen[bytes]:
        started.append(arguments)
        return subprocess.Popen([sys.executable, "-c", ""])  # it ends before it has the lock

    monkeypatch.setattr(processes, "start_detached", start)
    run = new(tmp_path, "a")
    processes.resume(run)
    for again in (processes.resume, queue.submit, queue.enqueue):
        with pytest.raises(TrainingError, match="a is under way already"):
            again(run)
    shutil.rmtree(run.path)
    for again in (processes.resume, queue.submit, queue.enqueue):
        with pytest.raises(TrainingError, match="a is no longer there: it was deleted"):
            again(run)
    assert len(started) == 1


def test_a_run_that_lost_its_place_in_the_queue_can_still_be_started_or_stopped(
    trainings: Trainings, tmp_path: Path
) -> None:
    """A process that is killed at the moment of the start has taken it out of the queue."""
    lost, stays = new(tmp_path, "lost"), new(tmp_path, "stays")
    for run in (lost, stays):
        run.write_status("queued")
    queue.start_now(lost)
    queue.leave_queue(stays)
    assert trainings.started == ["lost"] and stays.status()["state"] == "stopped"
    trainings.end(lost)


def test_the_locks_of_a_machine_that_died_hold_nobody_up(trainings: Trainings, tmp_path: Path) -> None:
    """Their files stay, with another machine's process id in them."""
    run = new(tmp_path, "a")
    for path in (tmp_path / "start.lock", tmp_path / "queue.lock", run.path / "lock"):
        path.write_text("4711 elsewhere\n")
    run.write_status("running")
    assert run.status()["state"] == "interrupted" and not queue.worker_alive(tmp_path)
    assert queue.submit(run) is True
    trainings.end(run)
