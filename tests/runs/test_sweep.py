"""A search over settings: what is drawn, what is trained, what is given up, and going on with it after an
interruption."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_core.config import RunConfig
from fer_core.errors import ConfigError, TrainingError
from fer_core.presets import find_preset
from fer_core.runs import sweep as sweep_module
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import HISTORY_COLUMNS, RunFolder, list_runs
from fer_core.runs.sweep import open_study, run_sweep
from fer_core.runs.sweep_folder import Dimension, SweepConfig, SweepFolder, list_sweeps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16, 32,64", Dimension(choices=(16, 32, 64))),
        ("adam,sgd", Dimension(choices=("adam", "sgd"))),
        ("true,false", Dimension(choices=(True, False))),
        ("0..20", Dimension(low=0, high=20, whole=True)),
        ("0..20:5", Dimension(low=0, high=20, step=5, whole=True)),
        ("0..0.5:0.1", Dimension(low=0, high=0.5, step=0.1)),
        ("1e-4 .. 1e-1:log", Dimension(low=1e-4, high=0.1, log=True)),
    ],
)
def test_ranges_are_read_as_people_write_them(text: str, expected: Dimension) -> None:
    assert Dimension.parse(text) == expected


@pytest.mark.parametrize("text", ["", "5", "1..", "5..1", "0..1:log", "1..2:three", "1,,2", "a..b"])
def test_what_is_no_range_is_one_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a list such as") as caught:
        Dimension.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("train.learning_rate", "1..100", "learning_rate"),
        ("train.nothing", "1,2", "train.nothing"),
        ("speed", "1,2", "Unknown setting 'speed'"),
        ("data.source", "a,b", "runs on other data cannot be compared"),
    ],
)
def test_a_range_that_does_not_fit_its_setting_is_refused_before_anything_is_made(
    path: str, text: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        SweepConfig.make(find_preset("quick").config, {path: text})


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepFolder:
    """Of eight runs, whose training is pretended: the higher the learning rate, the better."""
    base = find_preset("quick").config.replace("train", epochs=4)
    space = {"train.learning_rate": "1e-4..1e-1:log", "train.batch_size": "16,32"}
    folder = SweepFolder(tmp_path / "search")
    folder.create(SweepConfig.make(base, space, trials=8, pruner="median", seed=1))

    def pretend(self, run: RunFolder, trial) -> str:
        accuracy = run.config().train.learning_rate
        rows = []
        for epoch in range(1, 5):
            rows.append(
                dict.fromkeys(HISTORY_COLUMNS, 0.0) | {"epoch": epoch, "val_accuracy": accuracy * epoch / 4}
            )
            run.write_history(rows)
            trial.report(accuracy * epoch / 4, epoch)
            if trial.should_prune():
                return "pruned"
        run.write_status("finished")
        return "ended"

    monkeypatch.setattr(sweep_module._Sweep, "_train", pretend)
    return folder


def test_a_sweep_makes_runs_beside_it_with_settings_of_its_space(sweep: SweepFolder) -> None:
    assert run_sweep(sweep) == "finished" == sweep.status()["state"]
    runs = list_runs(sweep.path.parent)
    assert sorted(run.name for run in runs) == [f"search-{i:03}" for i in range(1, 9)]
    assert {about.sweep for about in Registry(sweep.path.parent).notes().values()} == {"search"}
    base = find_preset("quick").config.replace("train", epochs=4)
    for run in runs:
        differ = run.config().differences(base)
        assert set(differ) <= {"train.learning_rate", "train.batch_size"}
        assert 1e-4 <= run.config().train.learning_rate <= 0.1 and run.config().train.batch_size in (16, 32)
    assert len({run.config().train.learning_rate for run in runs}) == 8
    assert [found.name for found in list_sweeps(sweep.path.parent)] == ["search"]


def test_hopeless_runs_are_given_up_and_the_study_knows_it(sweep: SweepFolder) -> None:
    run_sweep(sweep)
    study = open_study(sweep, sweep.config())
    states = [trial.state.name for trial in study.trials]
    assert states.count("PRUNED") >= 1 and states.count("COMPLETE") >= 3
    rates = {trial.number: trial.params["train.learning_rate"] for trial in study.trials}
    assert study.best_trial.number == max(rates, key=rates.__getitem__)


def test_it_goes_on_where_it_was_interrupted_with_the_very_run(
    sweep: SweepFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, train = [], sweep_module._Sweep._train

    def interrupted(self, run: RunFolder, trial) -> str:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append((run.name, run.config().train.learning_rate))
        return train(self, run, trial)

    with monkeypatch.context() as patch:
        patch.setattr(sweep_module._Sweep, "_train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(sweep)
    assert sweep.status()["state"] == "interrupted"
    begun = RunFolder(sweep.run_path(3)).config().train.learning_rate
    assert run_sweep(sweep) == "finished"
    assert len(list_runs(sweep.path.parent)) == 8
    assert RunFolder(sweep.run_path(3)).config().train.learning_rate == begun
    rates = [run.config().train.learning_rate for run in list_runs(sweep.path.parent)]
    assert len(set(rates)) == 8, "the sampler began again and drew the same settings"


def test_a_sweep_whose_storage_is_lost_says_so(sweep: SweepFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(self) -> int:
        raise ConfigError("The database does not answer.")

    def train(self, run: RunFolder, trial) -> str:
        monkeypatch.setattr(sweep_module._Sweep, "_done", lost)
        return lost(self)

    monkeypatch.setattr(sweep_module._Sweep, "_train", train)
    with pytest.raises(ConfigError, match="does not answer"):
        run_sweep(sweep)
    assert (
        sweep.status()["state"] == "failed" and sweep.status()["message"] == "The database does not answer."
    )


def test_a_stopped_sweep_begins_no_other_run(sweep: SweepFolder) -> None:
    sweep.request_stop()
    assert run_sweep(sweep) == "stopped" and list_runs(sweep.path.parent) == []


def test_a_folder_is_not_taken_twice_and_a_damaged_one_is_told(sweep: SweepFolder) -> None:
    with pytest.raises(TrainingError, match="holds a sweep or run already"):
        sweep.create(sweep.config())
    (sweep.path / "sweep.json").write_text("{")
    with pytest.raises(TrainingError, match="is not a sweep"):
        sweep.config()
    assert RunConfig().with_setting("train.epochs", 3).train.epochs == 3


def test_a_run_that_outlived_the_sweep_is_followed_and_not_started_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SweepFolder(tmp_path / "search")
    folder.create(
        SweepConfig.make(
            find_preset("quick").config.replace("train", epochs=1), {"train.batch_size": "16,32"}, trials=1
        )
    )
    monkeypatch.setattr(sweep_module, "_start", lambda run: pytest.fail("a second process was started"))
    monkeypatch.setattr(sweep_module, "_POLL_SECONDS", 0.05)
    lock = None

    def ends(seconds: float) -> None:
        run.write_history([dict.fromkeys(HISTORY_COLUMNS, 0.0) | {"epoch": 1, "val_accuracy": 0.4}])
        run.write_status("finished")
        lock.release()

    run = RunFolder(folder.run_path(0))
    run.create(find_preset("quick").config)
    run.write_status("running")
    lock = run.lock()
    lock.acquire()
    monkeypatch.setattr(sweep_module.time, "sleep", ends)
    assert run_sweep(folder) == "finished"
    assert open_study(folder, folder.config()).best_value == pytest.approx(0.4)


@pytest.mark.slow
def test_real_runs_are_trained_and_given_up(shell, tmp_path: Path) -> None:
    result = shell.json(
        "sweep",
        "--data",
        "synthetic:350",
        "--preset",
        "quick",
        "--set",
        "train.epochs=4",
        "--search",
        "train.learning_rate=1e-3,1e-7",
        "--trials",
        5,
        "--sweep-dir",
        tmp_path / "real",
    )
    assert result["state"] == "finished" and len(result["runs"]) == 5
    best = next(run for run in result["runs"] if run["name"] == result["best"])
    assert best["best_validation_accuracy"] == max(run["best_validation_accuracy"] for run in result["runs"])
    assert {run["state"] for run in result["runs"]} <= {"finished", "pruned"}
