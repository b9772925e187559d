"""What is shown of a run is true: also after a crash, on a full disk, and when the clock is set."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from fer_core import process_folder
from fer_core.config import RunConfig
from fer_core.errors import TrainingError
from fer_core.process_folder import OPEN_STATES
from fer_core.runs import processes
from fer_core.runs.run_folder import RunFolder, list_runs
from fer_core.runs.train import train
from fer_core.training import checkpoint

from .. import tiny


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create(RunConfig(preset="quick"))
    return made


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_run_without_a_process_is_interrupted(run: RunFolder, state: str) -> None:
    run.write_status(state)
    assert run.status()["state"] == "interrupted"
    with run.lock():
        assert run.status()["state"] == state
    assert run.status()["state"] == "interrupted"


def test_a_process_that_dies_before_it_holds_its_lock_is_noticed_within_15_seconds(
    run: RunFolder, monkeypatch
) -> None:
    run.write_status("starting")
    assert run.status()["state"] == "starting"
    now = time.time()
    monkeypatch.setattr(process_folder.time, "time", lambda: now + 15)
    assert run.status()["state"] == "interrupted"


@pytest.mark.parametrize("shift", [-86_400, -3600, 3600, 10 * 365 * 86_400])
def test_a_clock_that_is_set_makes_no_dead_run_alive_and_no_live_one_dead(
    run: RunFolder, monkeypatch, shift: float
) -> None:
    run.write_status("starting")
    with run.lock():
        now = time.time()
        monkeypatch.setattr(process_folder.time, "time", lambda: now + shift)
        assert run.status()["state"] == "starting"
        run.write_status("running")
        assert run.status()["state"] == "running"
    assert run.status()["state"] == "interrupted"


def test_the_clock_is_set_back_while_a_run_trains(voted: Path, tmp_path: Path, monkeypatch) -> None:
    tiny.leave_out_bundles(monkeypatch)
    run = RunFolder(tmp_path / "run")
    run.create(tiny.settings(voted, epochs=2))
    real = time.time
    monkeypatch.setattr(process_folder.time, "time", lambda: real() - 7 * 86_400)
    assert train(run) == "finished" == run.status()["state"]
    assert all(0 < row["seconds"] < 60 for row in run.history())
    assert [found.name for found in list_runs(tmp_path)] == ["run"]


def full_disk_after(monkeypatch: pytest.MonkeyPatch, epochs: int) -> None:
    """From that epoch's checkpoint on nothing can be written any more but what the reserve gives free."""
    real_write, real_unlink, full, freed = checkpoint.write_atomically, RunFolder.free_reserve, [False], [0]

    def write(path: Path, content: bytes) -> None:
        if path.name == "checkpoint.npz":
            full[0] = full[0] or len(RunFolder(path.parent).history()) >= epochs
        if full[0] and len(content) > freed[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        real_write(path, content)

    def free(run: RunFolder) -> None:
        size = (run.path / "reserve").stat().st_size
        real_unlink(run)
        freed[0] = size

    for module in (checkpoint, process_folder):
        monkeypatch.setattr(module, "write_atomically", write)
    monkeypatch.setattr(RunFolder, "free_reserve", free)


@pytest.mark.long
def test_on_a_full_disk_the_run_says_so_and_keeps_what_it_learned(voted: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(tiny.settings(voted, epochs=4))
    with pytest.MonkeyPatch.context() as patch:
        full_disk_after(patch, 2)
        with pytest.raises(TrainingError, match="The disk is full: what it learned in 2 epochs is kept"):
            train(run)
        assert run.status()["state"] == "failed" and "free some space" in run.status()["message"]
    assert not list(run.path.glob(".*")), "a half-written file was left on the full disk"
    assert train(run, finish=True) == "stopped"  # keep the best so far
    assert (run.bundle / "card.json").is_file() and len(run.history()) == 2
    assert train(run) == "finished" and len(run.history()) == 4


def test_a_run_is_not_started_twice(run: RunFolder) -> None:
    with run.lock(), pytest.raises(TrainingError, match="run is under way already"):
        processes.resume(run)


def test_open_states_are_those_that_change_by_themselves() -> None:
    assert set(OPEN_STATES) == {"queued", "starting", "running", "paused"}


def test_a_started_process_finds_files_of_the_folder_that_it_was_started_from(
    voted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(voted, tmp_path / "faces.csv")
    monkeypatch.chdir(tmp_path)
    process = process_folder.start_detached(["data", "faces.csv"], tmp_path / "log.txt")
    assert process.wait(timeout=60) == 0, (tmp_path / "log.txt").read_text()
