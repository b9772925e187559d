"""Several processes work at one sweep: no trial twice, none lost with a killed worker, as many as were asked
for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from fer_core.errors import ConfigError
from fer_core.presets import find_preset
from fer_core.runs.locks import TrialLocks
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder, list_runs
from fer_core.runs.sweep import _Sweep, open_study, run_sweep
from fer_core.runs.sweep_folder import SweepConfig, SweepFolder

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent.parent
TRIALS, EPOCHS = 8, 4

# A worker whose training is pretended: an epoch takes a moment, a run goes on where its history ends, and
# each epoch is noted in a file. The first epoch waits for the other worker's first trial.
WORKER = f"""
import sys, time
from pathlib import Path
from fer_core.runs import sweep as module
from fer_core.runs.run_folder import HISTORY_COLUMNS
from fer_core.runs.sweep_folder import SweepFolder

def pretend(self, run, trial):
    (run.path.parent / f"{{sys.argv[2]}}.begun").touch()
    while len(list(run.path.parent.glob("*.begun"))) < 2:
        time.sleep(0.02)
    rows = run.history()
    while len(rows) < {EPOCHS}:
        time.sleep(0.1)
        epoch = len(rows) + 1
        with open(run.path / "epochs", "a") as file:
            file.write(f"{{sys.argv[2]}} {{epoch}}\\n")
        accuracy = run.config().train.learning_rate
        rows.append(dict.fromkeys(HISTORY_COLUMNS, 0.0) | {{"epoch": epoch, "val_accuracy": accuracy}})
        run.write_history(rows)
        self.lead()
    run.write_status("finished")
    return "ended"

module._Sweep._train = pretend
print(module.run_sweep(SweepFolder(Path(sys.argv[1]))))
"""


@pytest.fixture(params=["journal", "database"])
def sweep(tmp_path: Path, request: pytest.FixtureRequest) -> SweepFolder:
    folder = SweepFolder(tmp_path / "search")
    base = find_preset("quick").config.replace("train", epochs=EPOCHS)
    storage = f"sqlite:///{tmp_path / 'study.sqlite'}" if request.param == "database" else None
    space = {"train.learning_rate": "1e-4..1e-1:log"}
    folder.create(
        SweepConfig.make(
            base,
            space,
            trials=TRIALS,
            pruner="none",
            storage=storage,
            study="of-its-own" if storage else None,
        )
    )
    return folder


def start(sweep: SweepFolder, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(sweep.path), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def epochs(sweep: SweepFolder) -> dict[str, list[tuple[str, int]]]:
    """Who made which epoch of which run."""
    found = {}
    for run in list_runs(sweep.path.parent):
        path = run.path / "epochs"
        lines = path.read_text().splitlines() if path.exists() else []
        found[run.name] = [(line.split()[0], int(line.split()[1])) for line in lines]
    return found


def wait_until(true, process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)


def check_all_done(sweep: SweepFolder) -> None:
    study = open_study(sweep, sweep.config())
    assert [trial.number for trial in study.trials] == list(range(TRIALS)), (
        "more or fewer trials than were asked for"
    )
    assert {trial.state.name for trial in study.trials} == {"COMPLETE"}
    runs = list_runs(sweep.path.parent)
    assert sorted(run.name for run in runs) == [f"search-{i:03}" for i in range(1, TRIALS + 1)]
    rates = {trial.number: trial.params["train.learning_rate"] for trial in study.trials}
    assert len(set(rates.values())) == TRIALS, "two workers drew the same settings"
    for number, rate in rates.items():
        assert RunFolder(sweep.run_path(number)).config().train.learning_rate == rate
        assert study.trials[number].value == rate
    assert {about.sweep for about in Registry(sweep.path.parent).notes().values()} == {"search"}
    assert sweep.status()["state"] == "finished" and sweep.status()["done"] == TRIALS


def test_two_workers_share_the_trials_and_none_is_done_twice(sweep: SweepFolder) -> None:
    workers = [start(sweep, name) for name in "ab"]
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [out.strip() for out, _ in outputs] == ["finished", "finished"], outputs
    check_all_done(sweep)
    done = epochs(sweep)
    assert all(
        [epoch for _, epoch in made] == [1, 2, 3, 4] and len({who for who, _ in made}) == 1
        for made in done.values()
    ), done
    assert {made[0][0] for made in done.values()} == {"a", "b"}, "one of them had nothing to do"


def test_the_trial_of_a_killed_worker_is_taken_over_where_it_stands(sweep: SweepFolder) -> None:
    first, second = start(sweep, "a"), start(sweep, "b")
    wait_until(
        lambda: any(made and made[-1] in (("a", 2), ("a", 3)) for made in epochs(sweep).values()), first
    )
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_until(
        lambda: sweep.status()["state"] == "running", second
    )  # it does not seem to have ended with one of its workers
    out, log = second.communicate(timeout=120)
    assert out.strip() == "finished", log
    check_all_done(sweep)
    shared = [made for made in epochs(sweep).values() if len({who for who, _ in made}) == 2]
    assert len(shared) == 1, "the killed worker's run was begun again, or left"
    (made,) = shared
    assert [who for who, _ in made] == sorted(who for who, _ in made), made  # a's epochs, then b's
    assert {epoch for _, epoch in made} == {1, 2, 3, 4} and len(made) <= EPOCHS + 1, (
        made
    )  # at most the epoch under way was lost


def test_who_counted_earlier_does_not_write_later(
    sweep: SweepFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = (_Sweep(sweep, sweep.config()) for _ in range(2))
    counted, count = threading.Event(), slow._done

    def slowly() -> int:
        done = count()
        counted.set()
        time.sleep(0.3)
        return done

    monkeypatch.setattr(slow, "_done", slowly)
    writing = threading.Thread(target=slow.write_status, args=("running",))
    writing.start()
    counted.wait()
    quick.study.tell(quick.study.ask(), 0.5)
    quick.write_status("running")
    writing.join()
    assert sweep.status()["done"] == 1


def test_a_claim_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from fer_core.runs.locks import TrialLocks\n"
        f"held = TrialLocks(Path({str(tmp_path)!r})).take(4); print(held is not None, flush=True); "
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline().strip() == "True"
    claims = TrialLocks(tmp_path)
    other = claims.take(5)
    assert claims.take(4) is None and other is not None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert claims.take(4) is not None


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@nowhere/fer", "nonsense", "sqlite:////no/such/folder/x.sqlite"]
)
def test_a_database_that_cannot_be_opened_is_one_sentence_without_the_password(
    tmp_path: Path, url: str
) -> None:
    folder = SweepFolder(tmp_path / "search")
    config = SweepConfig.make(find_preset("quick").config, {"train.batch_size": "16,32"}, storage=url)
    folder.create(config)
    with pytest.raises(ConfigError, match="The storage ") as caught:
        run_sweep(folder)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.slow
def test_real_runs_of_two_workers_of_which_one_is_killed(shell, tmp_path: Path) -> None:
    """Its training process lives on, as it does when a sweep's process ends, and is followed by the other
    worker."""
    folder = tmp_path / "real"
    command = [
        "sweep",
        "--data",
        "synthetic:350",
        "--preset",
        "quick",
        "--set",
        "train.epochs=4",
        "--pruner",
        "none",
        "--search",
        "train.learning_rate=1e-4..1e-2:log",
        "--trials",
        "4",
        "--sweep-dir",
        str(folder),
    ]
    first = subprocess.Popen(
        [sys.executable, "-m", "fer_core", *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not RunFolder(tmp_path / "real-001").history() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = subprocess.Popen(
        [sys.executable, "-m", "fer_core", "sweep", "--resume", str(folder), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    while not RunFolder(tmp_path / "real-002").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    children = psutil.Process(first.pid).children()
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    for child in children[:1]:  # and the run that it trained, as when the machine is lost
        child.kill()
    result = json.loads(second.communicate(timeout=250)[0])
    assert result["state"] == "finished" and [run["state"] for run in result["runs"]] == ["finished"] * 4
    assert {len(RunFolder(tmp_path / f"real-00{i}").history()) for i in range(1, 5)} == {4}
