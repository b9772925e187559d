"""Several workers train one run: what comes out is one worker's, also where one of them is killed on the
way."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from fer_core.runs.run_folder import RunFolder
from fer_core.runs.worker_processes import worker_folder
from fer_core.training.workers import ONE_WORKER

from .. import tiny

ROOT = Path(__file__).resolve().parent.parent.parent
EPOCHS = 5

needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="jax is optional: pip install -r requirements-scale.txt"
)


def begin(folder: Path, voted: Path, **more: object) -> RunFolder:
    """A run in which all that workers must agree on counts: dropout, batch normalisation, momentum,
    augmentation, mixup, a second output."""
    config = tiny.settings(
        voted,
        {"mirror": True},
        votes_weight=1.0,
        average=0.5,
        optimizer="sgd",
        learning_rate=0.02,
        schedule="cosine",
        weight_decay=1e-3,
        epochs=EPOCHS,
        precision="float32",
        **more,
    )
    config = config.override("model", hparams=tiny.HPARAMS | {"dense_dropout": 0.3}).override(
        "augment", rotation=10.0, mixup=0.2
    )
    run = RunFolder(folder)
    run.create(config)
    return run


def start(run: RunFolder, workers: int | None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fer_core", "train", "--resume", str(run.path), "--json"]
    command += ["--workers", str(workers)] if workers else []
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def by_one(voted: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = begin(tmp_path_factory.mktemp("one") / "run", voted)
    process = start(run, None)
    assert process.wait(timeout=250) == 0
    return run


def weights(run: RunFolder) -> dict[str, np.ndarray]:
    with np.load(run.checkpoint, allow_pickle=False) as file:
        return {key: file[key] for key in file.files if key != "state"}


def check(process: subprocess.Popen[str], run: RunFolder, by_one: RunFolder) -> str:
    out, log = process.communicate(timeout=280)
    assert process.returncode == 0, log
    assert json.loads(out)["state"] == "finished" == run.status()["state"]
    for mine, ones in zip(run.history(), by_one.history(), strict=True):
        for column in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy"):
            assert mine[column] == pytest.approx(ones[column], abs=1e-5), (mine["epoch"], column)
    mine, ones = weights(run), weights(by_one)
    assert mine.keys() == ones.keys()
    assert max(float(np.abs(mine[key].astype(np.float64) - ones[key]).max()) for key in ones) < 1e-4
    assert (run.bundle / "model.keras").is_file()
    return log


@needs_jax
@pytest.mark.slow
def test_two_workers_learn_what_one_learns(voted: Path, by_one: RunFolder, tmp_path: Path) -> None:
    run = begin(tmp_path / "two", voted)
    check(start(run, 2), run, by_one)


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_worker_costs_no_more_than_the_epoch_under_way(
    voted: Path, by_one: RunFolder, tmp_path: Path, rank: int
) -> None:
    run = begin(tmp_path / "killed", voted)
    process = start(run, 2)
    deadline = time.monotonic() + 150
    while len(run.history()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    before = run.history()
    workers = [
        child
        for child in psutil.Process(process.pid).children()
        if f"--rank {rank}" in " ".join(child.cmdline())
    ]
    assert len(workers) == 1 and 2 <= len(before) < EPOCHS, "it ended before a worker could be killed"
    os.kill(workers[0].pid, signal.SIGKILL)
    log = check(process, run, by_one)
    assert "a worker was lost; going on after epoch" in log
    assert run.history()[: len(before)] == before, "epochs that were finished were trained again"


@needs_jax
@pytest.mark.slow
def test_a_stop_is_a_stop_for_all(voted: Path, tmp_path: Path) -> None:
    run = begin(tmp_path / "stopped", voted)
    process = start(run, 2)
    while not run.history() and process.poll() is None:
        time.sleep(0.02)
    run.request_stop()
    out, log = process.communicate(timeout=100)
    assert process.returncode == 0 and json.loads(out)["state"] == "stopped", log
    assert 1 <= len(run.history()) < EPOCHS and (run.bundle / "model.keras").is_file()


@needs_jax
def test_a_batch_that_cannot_be_shared_is_told_at_once(shell, voted: Path, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", voted)
    assert "Batches of 14 cannot be shared by 3 workers" in shell.error(
        "train", "--resume", run.path, "--workers", 3
    )


def test_without_jax_it_says_what_to_install(voted: Path, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", voted)
    code = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'jax' else find(name, *more)\n"
        f"from fer_core.cli import main\nsys.exit(main(['train', '--resume', {str(run.path)!r}, '--workers', "
        "'2']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (
        done.returncode == 1
        and "pip install -r requirements-scale.txt" in done.stderr
        and "Traceback" not in done.stderr
    ), done.stderr


def test_only_the_first_worker_writes_in_the_folder_of_the_run(voted: Path, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", voted)
    with worker_folder(run, 0) as first, worker_folder(run, 1) as other:
        assert first.path == run.path != other.path and other.config() == run.config()
    assert not other.path.exists()
    batch = (np.zeros((3, 48, 48, 1)), np.zeros(3))
    assert ONE_WORKER.shard(batch) is batch and list(ONE_WORKER.broadcast(1.0, 0.1)) == [1.0, 0.1]
