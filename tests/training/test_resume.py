"""A run that was killed goes on and ends as if never stopped, which is also how two runs with one seed agree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fer_core.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent.parent
EPOCHS = 4


def arguments(folder: Path) -> list[str]:
    # residual: with dropout, augmentation, averaged weights and a schedule, so that every kind of state counts
    return [
        "train",
        "--data",
        "synthetic:280",
        "--preset",
        "residual",
        "--epochs",
        str(EPOCHS),
        "--batch-size",
        "32",
        "--run-dir",
        str(folder),
    ]


def weights(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "checkpoint.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files if key != "state"}


def learned(folder: Path) -> list[tuple[float, ...]]:
    return [tuple(row[c] for c in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")) for row in RunFolder(folder).history()]


@pytest.fixture(scope="module")
def straight(shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("straight") / "run"
    done = shell(*arguments(folder))
    assert done.returncode == 0, done.stderr
    return folder


def test_killed_and_resumed_ends_as_if_never_stopped(shell, straight: Path, tmp_path: Path) -> None:
    """Two runs with one seed agree to the last bit, though one of them was killed in the middle of an epoch."""
    folder = tmp_path / "killed"
    run = RunFolder(folder)
    process = subprocess.Popen([sys.executable, "-m", "fer_core", *arguments(folder)], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    # Kill it inside its third epoch, after some batches of it.
    while not (len(run.history()) == 2 and run.progress().get("epoch", 0) >= 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be killed"
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert run.status()["state"] == "interrupted"
    assert len(run.history()) >= 2  # nothing but the epoch under way is lost

    done = shell("train", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert run.status()["state"] == "finished"
    assert learned(folder) == learned(straight)
    expected, got = weights(straight), weights(folder)
    assert expected.keys() == got.keys()
    assert all(np.array_equal(expected[key], got[key]) for key in expected)


def test_stop_keeps_the_best_and_can_go_on(shell, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    run = RunFolder(folder)
    process = subprocess.Popen([sys.executable, "-m", "fer_core", *arguments(folder)], cwd=ROOT, stderr=subprocess.DEVNULL)
    while len(run.history()) < 1 and process.poll() is None:
        time.sleep(0.02)
    run.request_stop()
    assert process.wait(timeout=60) == 0
    assert run.status()["state"] == "stopped" and 1 <= len(run.history()) < EPOCHS
    assert (run.bundle / "model.tflite").is_file()
    assert shell("train", "--resume", folder).returncode == 0
    assert run.status()["state"] == "finished" and len(run.history()) == EPOCHS


def test_data_that_changed_is_not_mixed_into_a_run(shell, tmp_path: Path) -> None:
    table = tmp_path / "faces.csv"
    rows = [f"{i % 7},{' '.join([str((i * 5) % 256)] * 2304)},{'Training' if i % 3 else 'PublicTest'}" for i in range(63)]
    table.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    folder = tmp_path / "run"
    assert shell("train", "--data", table, "--preset", "baseline-weighted-s", "--epochs", 1, "--run-dir", folder).returncode == 0
    table.write_text("emotion,pixels,Usage\n" + "\n".join(rows[:-7]) + "\n")
    done = shell("train", "--resume", folder)
    assert done.returncode == 1 and "changed since the run started" in done.stderr.splitlines()[-1]
