"""Runs from the shell: what the Train page does with them, the commands do too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fer_core.cli import main
from fer_core.config import RunConfig
from fer_core.presets import find_preset
from fer_core.runs import processes, queue
from fer_core.runs.registry import Registry
from fer_core.runs.run_folder import RunFolder, list_runs
from fer_core.runs.steering import read_control
from fer_core.runs.sweep_folder import SweepFolder


class Here:
    """The commands in this process, without TensorFlow's start."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def json(self, *arguments: object) -> Any:
        assert main([*map(str, arguments), "--json"]) == 0
        return json.loads(self._capsys.readouterr().out)

    def error(self, *arguments: object) -> str:
        assert main([*map(str, arguments)]) == 1
        captured = self._capsys.readouterr()
        assert captured.err.startswith("error: ") and len(captured.err.splitlines()) == 1 and not captured.out
        return captured.err

    def text(self, *arguments: object) -> str:
        assert main([*map(str, arguments)]) == 0
        return self._capsys.readouterr().out


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


@pytest.fixture
def runs(tmp_path: Path, trained_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run "first" and one called "second" that waits; no process is started from
    it."""
    parent = tmp_path / "runs"
    monkeypatch.setenv("FER_RUNS_DIR", str(parent))
    monkeypatch.setenv("FER_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(queue, "ensure_worker", lambda folder: None)
    monkeypatch.setattr(processes, "resume", lambda run, finish=False: run.write_status("starting"))
    shutil.copytree(trained_run, parent / "first")
    second = RunFolder(parent / "second")
    second.create(find_preset("quick").config.replace("train", epochs=3))
    queue.enqueue(second)
    return parent


def test_runs_are_listed_described_and_compared(here: Here, runs: Path) -> None:
    rows = here.json("runs")
    assert {row["name"]: row["state"] for row in rows} == {"first": "finished", "second": "queued"}
    here.json("runs", "first", "--title", "Small one", "--note", "a start")
    result = here.json("runs", "first")
    assert (result["title"], result["note"], result["epochs"]) == ("Small one", "a start", 2) and result[
        "config"
    ]["train"]["epochs"] == 2
    assert "Small one" in here.text("runs") and "queued" in here.text("runs")
    assert here.json("runs", "first", "--against", "second")["train.epochs"] == [2, 3]
    assert here.json("runs", runs / "first")["name"] == "first", "a path is as good as a name"


def test_a_run_is_promoted_packed_and_deleted(here: Here, runs: Path, tmp_path: Path) -> None:
    here.json("runs", "first", "--promote", "mine", "--pack", tmp_path / "first.zip")
    assert (tmp_path / "first.zip").stat().st_size > 10_000 and here.json("models", "mine")[
        "promoted"
    ] == "first"
    assert here.json("runs", "first", "--delete") == {"deleted": "first"}
    assert [run.name for run in list_runs(runs)] == ["second"]
    assert "is not a run folder" in here.error("runs", "first")


def test_a_run_under_way_is_steered_and_others_are_not(here: Here, runs: Path) -> None:
    second = RunFolder(runs / "second")
    assert "second is queued" in here.error("steer", "second", "pause")
    second.write_status("running")
    with second.lock():
        here.json("steer", "second", "pause")
        assert read_control(second).mode == "pause"
        here.json("steer", "second", "step")
        assert (read_control(second).mode, read_control(second).step_until) == ("step", 1)
        here.json("steer", "second", "rate", "0.0005")
        assert read_control(second).rate_factor == pytest.approx(0.5)
        here.json("steer", "second", "stop")
        assert second.stop_requested()
    for wrong in (["steer", "second", "rate"], ["steer", "second", "pause", "0.1"]):
        with pytest.raises(SystemExit, match="2"):
            main(wrong)


def test_the_queue_is_shown_and_changed(here: Here, runs: Path) -> None:
    third = RunFolder(runs / "third")
    third.create(RunConfig(preset="quick"))
    queue.enqueue(third)
    assert here.json("queue", "--first", "third")["waiting"] == ["third", "second"]
    result = here.json("queue", "--remove", "second", "--parallel", 2)
    assert (result["waiting"], result["parallel"]) == (["third"], 2)
    assert RunFolder(runs / "second").status()["state"] == "stopped"
    assert "does not wait in the queue" in here.error("queue", "--first", "second")


def test_train_can_queue_a_run(here: Here, runs: Path) -> None:
    result = here.json(
        "train", "--data", "synthetic:70", "--preset", "quick", "--set", "augment.rotation=12", "--queue"
    )
    run = RunFolder(Path(result["run"]))
    assert result["state"] == "queued" and run.path.parent == runs and run.config().augment.rotation == 12
    assert Registry(runs).queue() == ["second", run.name]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("nothing", "expected SECTION.NAME=VALUE"),
        ("train.nothing=1", "train.nothing"),
        (
            "elsewhere.x=1",
            "expected SECTION.NAME with one of the sections data, model, augment, train, bundle",
        ),
        ("train.epochs=many", "train.epochs"),
        ("model.hparams.nothing=3", "nothing"),
    ],
)
def test_a_setting_that_is_none_leaves_no_run_behind(
    here: Here, runs: Path, setting: str, words: str
) -> None:
    assert words in here.error("train", "--data", "synthetic:70", "--preset", "quick", "--set", setting)
    assert len(list_runs(runs)) == 2


def test_a_sweep_that_cannot_be_leaves_nothing_behind(here: Here, runs: Path) -> None:
    base = ["sweep", "--data", "synthetic:70", "--preset", "quick", "--sweep-dir", runs / "search"]
    assert "expected a list such as" in here.error(*base, "--search", "train.batch_size=big")
    assert "learning_rate" in here.error(*base, "--search", "train.learning_rate=0.1..99")
    assert not SweepFolder(runs / "search").exists()
    assert "is not a sweep" in here.error("sweep", "--resume", runs / "first")
    with pytest.raises(SystemExit, match="2"):
        main([*map(str, base)])
