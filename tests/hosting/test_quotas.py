"""Quotas are checked when runs are created, started and trained."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from fer_core.config import RunConfig
from fer_core.errors import ConfigError, FerError, TrainingError
from fer_core.hosting import memory, quotas, visitors
from fer_core.presets import PRESETS
from fer_core.runs import manage, processes, queue
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder
from fer_core.runs.sweep_folder import SweepConfig, SweepFolder
from fer_core.runs.train import train
from tests.hosting.conftest import Host


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs whose process was started; none is."""
    names: list[str] = []

    class Started:
        pid = 0

        def wait(self) -> int:
            return 0

    def start(arguments: list[str], log: Path, mode: str = "ab", environment: object = None) -> Started:
        names.append(Path(arguments[2]).name)
        return Started()

    monkeypatch.setattr(processes, "start_detached", start)
    monkeypatch.setattr(quotas, "give_app_priority", lambda pid, path: None)
    return names


def test_local_runs_are_free_of_all_that(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs" / "a")
    run.create(RunConfig(preset="quick").replace("train", epochs=10_000))
    quotas.check_start(run.path, run.config())
    assert (
        quotas.Allowance(run.path, 1e9).used_up() == ""
        and visitors.owner_of(run.path) is None
        and not queue.is_shared(run.path)
    )


def test_a_run_has_so_many_epochs_at_most(host: Host) -> None:
    host.allow(epochs=5)
    home = host.visitor()
    host.run(home, epochs=5)
    with pytest.raises(ConfigError, match="6 epochs are too many: a run has at most 5 on this server"):
        host.run(home, "b", epochs=6)
    assert not (home / "runs" / "b").exists()


def test_a_visitor_keeps_so_many_runs(host: Host) -> None:
    host.allow(runs_per_visitor=2)
    home = host.visitor()
    host.run(home, "a")
    b = host.run(home, "b")
    with pytest.raises(TrainingError, match="You have 2 of at most 2 runs"):
        host.run(home, "c")
    b.write_status("finished")
    manage.delete(b)
    host.run(home, "c")
    host.run(host.visitor(), "a")  # others have their own count


def test_a_sweep_counts_with_all_its_runs(host: Host) -> None:
    host.allow(runs_per_visitor=4, epochs=5)
    home = host.visitor()
    base = RunConfig(preset="quick").replace("train", epochs=3)
    sweep = SweepConfig.make(base, {"train.batch_size": "16, 32"}, trials=5)
    with pytest.raises(TrainingError, match="5 more would be too many"):
        SweepFolder(home / "runs" / "sweep").create(sweep)
    with pytest.raises(ConfigError, match="6 epochs"):
        SweepFolder(home / "runs" / "sweep").create(
            sweep.model_copy(update={"base": base.replace("train", epochs=6), "trials": 2})
        )
    SweepFolder(home / "runs" / "sweep").create(sweep.model_copy(update={"trials": 4}))


def test_what_runs_read_is_checked_when_they_are_made_and_started(
    host: Host, tmp_path: Path, started: list[str]
) -> None:
    home, other = host.visitor(), host.visitor()
    config = RunConfig(preset="quick").replace("train", epochs=3)
    for wrong in (
        config.replace("data", source="/etc"),
        config.replace("data", source=str(other / "data")),
        config.replace("data", votes=str(tmp_path / "votes.csv")),
        config.replace("train", teacher=str(other / "runs" / "x" / "bundle")),
        config.replace("train", start_from=str(tmp_path)),
    ):
        with pytest.raises(FerError, match=r"not among the data|neither shipped"):
            RunFolder(home / "runs" / "x").create(wrong)
    run = host.run(home)
    config.replace("data", source="/etc").save(run.path / "config.json")
    with pytest.raises(FerError, match="not among the data"):
        processes.resume(run)
    assert not started


def test_so_many_run_at_once_of_all_visitors_and_the_others_wait_in_one_queue(
    host: Host, started: list[str]
) -> None:
    host.allow(running_at_once=1)
    homes = [host.visitor() for _ in range(3)]
    runs, begun = [], []
    for home, name in zip(homes, ("a", "b", "c"), strict=True):
        runs.append(host.run(home, name))
        begun.append(queue.submit(runs[-1]))
    assert begun == [True, False, False]
    assert started == ["a"]
    assert [Registry(home / "runs").queue() for home in homes] == [[], ["b"], ["c"]], "each sees their own"
    assert [queue.position(run) for run in runs[1:]] == [0, 1]
    with pytest.raises(TrainingError, match="take turns"):
        queue.start_now(runs[2])
    with pytest.raises(TrainingError, match="busy with other runs"):
        processes.resume(runs[2])
    runs[0].write_status("finished")
    assert [run.name for run in queue.start_waiting(host.visitors)] == ["b"]
    assert queue.start_waiting(host.visitors) == []
    queue.leave_queue(runs[2])
    runs[1].write_status("finished")
    assert queue.start_waiting(host.visitors) == [] and runs[2].status()["state"] == "stopped"
    assert started == ["a", "b"]


def test_reordering_ones_own_runs_leaves_those_of_others(host: Host, started: list[str]) -> None:
    host.allow(running_at_once=1)
    mine, theirs = host.visitor(), host.visitor()
    for home, name in ((theirs, "x"), (mine, "a"), (theirs, "y"), (mine, "b")):
        queue.submit(host.run(home, name))
    Registry(mine / "runs").reorder(["b", "a"])
    assert [name.partition("/")[2] for name in Registry(host.visitors.root).queue()] == ["b", "y", "a"]


def test_a_run_waits_for_memory_unless_nothing_runs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    all_visitors = host.allow(running_at_once=3)
    monkeypatch.setattr(memory, "free", lambda megabytes: 1_000_000)
    assert quotas.has_room(all_visitors)
    host.run(host.visitor()).write_status("starting")
    assert not quotas.has_room(all_visitors)


def test_disk_space_is_bounded(host: Host) -> None:
    all_visitors = host.allow(visitor_mb=10, total_mb=15)
    home = host.visitor()
    (home / "data").mkdir()
    (home / "data" / "big").write_bytes(b"0" * 9_000_000)
    host.run(home).write_status("finished")
    with pytest.raises(TrainingError, match="take 9 MB of the 10 MB"):
        quotas.check_space(home, 2_000_000)
    other = host.visitor()
    (other / "data").mkdir()
    (other / "data" / "big").write_bytes(b"0" * 7_000_000)
    for path in (*home.iterdir(), home):
        os.utime(path, (time.time() - 2 * 3600,) * 2)
    host.run(other).write_status("starting")
    quotas.check_space(other, 0)  # the first one had to go for it, the longest away
    assert not home.exists() and other.exists() and all_visitors.root.exists()


def test_the_time_of_a_run_is_bounded_pauses_and_earlier_processes_included(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.allow(minutes=1)
    run = host.run(host.visitor())
    allowance = quotas.Allowance(run.path, 50)
    assert not allowance.used_up()
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + 11)
    assert allowance.used_up() == "Stopped after 1 minute, the most that a run may take on this server."
    with pytest.raises(TrainingError, match="Stopped after 1 minute"):
        quotas.check_start(run.path, run.config(), 61)


def test_the_runs_of_a_sweep_share_the_time_of_one(host: Host) -> None:
    host.allow(minutes=1)
    home = host.visitor()
    (home / "runs" / "s").mkdir(parents=True)
    (home / "runs" / "s" / "sweep.json").write_text("{}")
    for number, seconds in ((1, 40.0), (2, 25.0)):
        host.run(home, f"s-{number:03}").write_history(
            [
                dict.fromkeys(
                    (
                        "epoch",
                        "loss",
                        "accuracy",
                        "val_loss",
                        "val_accuracy",
                        "learning_rate",
                        "images_per_second",
                        "best",
                    ),
                    1,
                )
                | {"seconds": seconds}
            ]
        )
    third = host.run(home, "s-003")
    assert quotas.Allowance(third.path).used_up()
    assert not quotas.Allowance(host.run(home, "alone").path).used_up()


@pytest.mark.long
def test_a_training_ends_when_its_time_is_up_and_keeps_its_best(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.allow(minutes=1)
    run = RunFolder(host.visitor() / "runs" / "a")
    config = (
        RunConfig(preset="quick")
        .replace("train", epochs=20, batch_size=64)
        .replace("data", source="synthetic:140")
    )
    run.create(config.replace("model", family="plain", hparams={"filters": [4], "dense_units": 8}))
    seconds = {"passed": 0.0}
    begin = quotas.Allowance.__init__

    def slow(self: quotas.Allowance, path: Path, before: float = 0.0) -> None:
        begin(self, path, before)
        self._begun -= seconds["passed"]

    monkeypatch.setattr(quotas.Allowance, "__init__", slow)
    real = quotas.Allowance.used_up

    def used_up(self: quotas.Allowance) -> str:
        if len(run.history()) >= 2:
            self._begun -= 100
        return real(self)

    monkeypatch.setattr(quotas.Allowance, "used_up", used_up)
    assert train(run) == "stopped"
    assert (
        run.status()["message"].startswith("Stopped after 1 minute")
        and len(run.history()) == 2
        and (run.bundle / "card.json").is_file()
    )


def test_one_click_in_many_tabs_is_counted_once_each(host: Host) -> None:
    host.allow(runs_per_visitor=1)
    home = host.visitor()
    quotas._PATIENCE, patience = 0.2, quotas._PATIENCE
    try:
        with FileLock(home / quotas._LOCK), pytest.raises(TrainingError, match="just being made"):
            host.run(home)
    finally:
        quotas._PATIENCE = patience


def test_the_folder_of_a_visitor_does_not_tell_the_secret(host: Host) -> None:
    token = visitors.new_token()
    home = host.visitors.home(token)
    assert token not in str(home) and visitors.is_token(token) and not visitors.is_token(home.name)
    assert not any(map(visitors.is_token, ("", None, "a" * 42, "../" + "a" * 40, "a" * 43 + "\n")))
    assert visitors.owner_of(home / "runs" / "x") == (host.visitors, home)


def test_settings_that_cannot_be_read_let_nothing_through(host: Host) -> None:
    home = host.visitor()
    (host.visitors.root / "hosting.json").write_text("{")
    with pytest.raises(FerError, match="cannot be read"):
        host.run(home)


def test_a_huge_network_is_refused(host: Host) -> None:
    huge = {
        "blocks": [{"type": "flatten"}, {"type": "dense", "units": 4096}, {"type": "dense", "units": 4096}]
    }
    config = RunConfig.parse({"model": {"family": "blocks", "hparams": huge}, "train": {"epochs": 1}})
    home = host.visitor()
    with pytest.raises(ConfigError, match="26 million parameters is too large: at most 15 million"):
        quotas.check_config(config, host.visitors, home)
    for preset in PRESETS.values():
        quotas.check_config(preset.config.replace("train", epochs=1, teacher=None), host.visitors, home)
