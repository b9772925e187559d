"""kill -9 at random moments: afterwards everything opens, and no result reported as safe is lost.

The everyday run kills a few times; `pytest -m slow tests/faults` more than 200 times.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fer_core.bundles.bundle import find_bundle, own_models
from fer_core.data import open_dataset
from fer_core.data.recipe import SUFFIX, read_recipe
from fer_core.evaluation import record
from fer_core.inference import Classifier
from fer_core.quality.verdicts import Verdicts
from fer_core.runs.manage import promote
from fer_core.runs.run_folder import RunFolder, open_run
from fer_core.runs.train import train
from tests.conftest import ROOT
from tests.faults.worker import COUNT
from tests.training.test_resume import EPOCHS, begin, learned, start, weights

_LONGEST = 0.25  # s of work before a kill


class Victim:
    """Children that are killed at random moments of their work."""

    def __init__(self, job: str, folder: Path) -> None:
        self.folder, self.random = folder, random.Random(0)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", job, str(folder)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def kill(self) -> int:
        """Start a child, kill it, and return the last number that it reported as done.

        -1 before the first.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        print(self.done() + 1, file=self.process.stdin, flush=True)
        child = int(self.process.stdout.readline())
        time.sleep(self.random.uniform(0.002, _LONGEST))
        os.kill(child, signal.SIGKILL)
        assert self.process.stdout.readline() == "dead\n"
        return self.done()

    def done(self) -> int:
        path = self.folder / "done"
        return int(path.read_text().split()[-1]) if path.exists() and path.read_text() else -1


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Callable[[str], Victim]]:
    started: list[Victim] = []

    def begun(job: str) -> Victim:
        started.append(Victim(job, tmp_path))
        return started[-1]

    yield begun
    for one in started:
        one.process.kill()
        one.process.wait()


def often(few: int, many: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "kills",
        [
            pytest.param(few, marks=pytest.mark.long),
            pytest.param(many, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
        ],
    )


@often(10, 100)
def test_verdicts(victim: Callable[[str], Victim], tmp_path: Path, kills: int) -> None:
    killed = victim("verdicts")
    given = Verdicts(open_dataset(f"synthetic:{COUNT}:0"), tmp_path / "verdicts.sqlite")
    for _ in range(kills):
        last = killed.kill()
        there = given.all()
        for number in range(
            max(0, last - COUNT + 2), last + 1
        ):  # the one under way may stand over the oldest
            assert there[number % COUNT].label == ("happy" if number % 2 else None)
        assert len(there) in (min(COUNT, last + 1), min(COUNT, last + 2))
        given.as_csv()
    assert last > 0
    assert given.undo() == 1


@often(10, 60)
def test_saving(victim: Callable[[str], Victim], labels_run: Path, tmp_path: Path, kills: int) -> None:
    shutil.copytree(labels_run / "bundle", tmp_path / "bundle")
    bundle = find_bundle(str(tmp_path / "bundle"))
    count, labels = 40, tuple(bundle.labels)
    measured = {name: np.zeros(count, np.float32) for name in record.MEASURES}
    made = record.EvaluationRecord(
        labels=labels,
        probabilities=np.zeros((count, len(labels)), np.float32),
        true=np.zeros(count, np.int8),
        rows=np.arange(count),
        leaked=None,
        votes=None,
        truth="labels",
        **measured,
        **_meta(bundle),
    )
    record.store(made, bundle, "kept.npz", inside=True)
    (tmp_path / "run").mkdir()
    shutil.copy(labels_run / "config.json", tmp_path / "run")
    killed = victim("saving")
    for _ in range(kills):
        last = killed.kill()
        if last < 0:
            continue
        run = open_run(tmp_path / "run")
        rows = run.history()
        assert rows and rows[0]["epoch"] in (last, last + 1) and len(rows) == 1 + rows[0]["epoch"] % 50
        assert json.loads((run.path / "status.json").read_text())["message"] in (str(last), str(last + 1))
        (found,) = record.stored(bundle)
        assert found.brightness[0] in (last, last + 1) and (found.brightness == found.brightness[0]).all()
        assert set(read_recipe(tmp_path / f"variant{SUFFIX}").drop.values()) <= {str(last), str(last + 1)}
    assert last > 0


def _meta(bundle: object) -> dict[str, str]:
    return {"source": "fer.csv", "fingerprint": "00ff", "split": "test", "model": "mine", "tta": "none"}


@often(6, 60)
def test_promotion(
    victim: Callable[[str], Victim],
    labels_run: Path,
    tmp_path: Path,
    kills: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    shutil.copytree(labels_run, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    killed = victim("promotion")
    whole = {
        path.name: path.stat().st_size
        for path in run.bundle.iterdir()
        if path.is_file() and path.name != "card.json"
    }
    for _ in range(kills):
        last = killed.kill()
        stored = {bundle.path.name: bundle for bundle in own_models()}
        assert (
            {f"kept-{number}" for number in range(last + 1)}
            <= stored.keys()
            <= {f"kept-{number}" for number in range(last + 2)}
        )
        for bundle in stored.values():
            assert {
                path.name: path.stat().st_size for path in bundle.path.iterdir() if path.name in whole
            } == whole
        if f"kept-{last + 1}" in stored:  # it existed already, but was not reported
            with open(tmp_path / "done", "a") as done:
                done.write(f"{last + 1}\n")
    for left in (tmp_path / "models").glob(".*"):
        os.utime(left, (0, 0))  # as if it had happened long ago
    Classifier(promote(run, "at-last"))
    assert sorted(path.name for path in (tmp_path / "models").iterdir() if path.name.startswith(".")) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_training(voted: Path, tmp_path: Path) -> None:
    """A run that is killed repeatedly ends like one that never was."""
    straight = begin(tmp_path / "straight", voted)
    assert train(straight) == "finished"
    chance, kills, number = random.Random(0), 0, 0
    while kills < 30:
        run = begin(tmp_path / f"killed-{number}", voted)
        number += 1
        while True:
            before = len(run.history())
            process = start(run)
            if chance.random() < 0.7:  # most kills fall into the training, the others into the start
                while process.poll() is None and len(run.history()) == before:
                    time.sleep(0.002)
                time.sleep(chance.uniform(0, 0.3))
            else:
                time.sleep(chance.uniform(0, 6))
            if process.poll() is not None:
                break
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            # For 15 seconds a process that does not hold its lock yet may still be starting.
            assert open_run(run.path).status()["state"] in ("starting", "interrupted", "finished")
            assert len(run.history()) >= before
            assert learned(run.path) == learned(straight.path)[: len(run.history())]
        assert process.returncode == 0 and len(run.history()) == EPOCHS
        assert learned(run.path) == learned(straight.path)
        expected, got = weights(straight.path), weights(run.path)
        assert all(np.array_equal(expected[key], got[key]) for key in expected)
