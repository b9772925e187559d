"""A run that was killed goes on and ends as if never stopped, which is also how two runs with one seed
agree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fer_core.errors import TrainingError
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.train import train

from .. import tiny

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent.parent
EPOCHS = 12


def begin(folder: Path, voted: Path, epochs: int = EPOCHS) -> RunFolder:
    """A run that has not trained yet, in which every kind of state counts: dropout, batch normalisation,
    momentum, a schedule, augmentation, averaged weights, a second output, and a number format of its own."""
    config = tiny.settings(
        voted,
        {"mirror": True},
        votes_weight=1.0,
        average=0.5,
        optimizer="sgd",
        learning_rate=0.02,
        schedule="cosine",
        weight_decay=1e-3,
        epochs=epochs,
        precision="mixed_bfloat16",
    )
    config = config.override("model", hparams=tiny.HPARAMS | {"dense_dropout": 0.3}).override(
        "augment", rotation=10.0, erase=0.5, mixup=0.2
    )
    run = RunFolder(folder)
    run.create(config)
    return run


def start(run: RunFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def weights(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "checkpoint.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files if key != "state"}


def learned(folder: Path) -> list[tuple[float, ...]]:
    return [
        tuple(row[c] for c in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"))
        for row in RunFolder(folder).history()
    ]


@pytest.fixture(scope="module")
def straight(voted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = begin(tmp_path_factory.mktemp("straight") / "run", voted)
    with pytest.MonkeyPatch.context() as patch:
        tiny.leave_out_bundles(patch)
        assert train(run) == "finished"
    return run.path


def test_killed_and_resumed_ends_as_if_never_stopped(
    straight: Path, voted: Path, no_bundle: None, tmp_path: Path
) -> None:
    """Two runs with one seed agree to the last bit, though one of them was killed on its way, and went on in
    another process."""
    run = begin(tmp_path / "killed", voted)
    process = start(run)
    deadline = time.monotonic() + 120
    while len(run.history()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None, "the run ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert run.status()["state"] == "interrupted"
    assert 2 <= len(run.history()) < EPOCHS  # nothing but the epoch under way is lost

    assert train(run) == "finished" == run.status()["state"]
    assert learned(run.path) == learned(straight)
    expected, got = weights(straight), weights(run.path)
    assert expected.keys() == got.keys()
    assert all(np.array_equal(expected[key], got[key]) for key in expected)


def test_a_stop_that_is_asked_for_while_a_run_starts_holds(
    voted: Path, no_bundle: None, tmp_path: Path
) -> None:
    run = begin(tmp_path / "starting", voted, epochs=2)
    run.request_stop()  # before there was anything to stop: forgotten when the process is started
    run.write_status("starting")
    time.sleep(0.02)
    run.request_stop()
    assert train(run) == "stopped" and run.history() == []
    assert train(run) == "finished"


def test_stop_keeps_the_best_and_can_go_on(voted: Path, tmp_path: Path) -> None:
    run = begin(tmp_path / "stopped", voted)
    process = start(run)
    while len(run.history()) < 1 and process.poll() is None:
        time.sleep(0.01)
    run.request_stop()
    assert process.wait(timeout=60) == 0
    assert run.status()["state"] == "stopped" and 1 <= len(run.history()) < EPOCHS
    assert (run.bundle / "model.tflite").is_file()
    assert train(run) == "finished" == run.status()["state"] and len(run.history()) == EPOCHS


def test_data_that_changed_is_not_mixed_into_a_run(no_bundle: None, tmp_path: Path) -> None:
    table = tmp_path / "faces.csv"
    rows = [
        f"{i % 7},{' '.join([str((i * 5) % 256)] * 2304)},{'Training' if i % 3 else 'PublicTest'}"
        for i in range(63)
    ]
    table.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    run = tiny.train_run(tmp_path / "run", tiny.settings(table, epochs=1))
    table.write_text("emotion,pixels,Usage\n" + "\n".join(rows[:-7]) + "\n")
    with pytest.raises(TrainingError, match="changed since the run started"):
        train(run)
    assert run.status()["state"] == "failed" and "changed since" in run.status()["message"]
